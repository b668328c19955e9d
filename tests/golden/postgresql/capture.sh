#!/bin/sh
# Captures pgoutput (protocol 1) of every scenario below from a private PostgreSQL into
# <out>/<scenario>.wire: one message per line, "<walStart> <hex>". Run as a user that may run initdb.
#   capture.sh <directory with PostgreSQL's programs> <free port> <out>
# LSNs, xids and times differ from run to run: expected texts must be renewed with the captures
# (golden_postgresql_print).
set -eu
bin=$1
port=$2
out=$3
data=$(mktemp -d)
trap '"$bin/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1; rm -rf "$data"' EXIT
"$bin/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 --locale=C >/dev/null
"$bin/pg_ctl" -D "$data" -w -l "$data/log" -o "-p $port -k $data -c listen_addresses= -c wal_level=logical \
  -c fsync=off -c autovacuum=off -c TimeZone=UTC -c extra_float_digits=3" start >/dev/null
sql() { "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$data" -p "$port" -U postgres -At "$@"; }
sql -c "create publication p for all tables"

# scenario <name> <schema SQL> <SQL that is captured>
scenario() {
    sql -c "drop schema public cascade; create schema public"
    printf '%s\n' "$2" | sql
    sql -c "select pg_create_logical_replication_slot('s','pgoutput')" >/dev/null
    printf '%s\n' "$3" | sql >/dev/null
    sql -F ' ' -c "select lsn, encode(data,'hex') from pg_logical_slot_get_binary_changes('s',null,null,
        'proto_version','1','publication_names','p','messages','true')" >"$out/$1.wire"
    sql -c "select pg_drop_replication_slot('s')" >/dev/null
}

scenario rows "create table t(id int primary key, name varchar(20) not null, d numeric(10,2))" "
insert into t values (1,'Anne',1.10),(2,'Bo',null);
begin; update t set name='Anna' where id=1; update t set id=3 where id=2; delete from t where id=1; commit;"

scenario types "create table t(id int primary key, b bool, i2 int2, i8 int8, o oid, f4 float4, f8 float8,
 n numeric, nn numeric(5,-2), tx text, c char(10), v varchar, nm name, ch \"char\", ip inet, ci cidr, m macaddr,
 by bytea, u uuid, j json, jb jsonb, d date, t time, t3 time(3), tz timetz, ts timestamp, ts3 timestamp(3),
 tsz timestamptz, iv interval, ir int4range, a int[], ta text[], pt point)" "
insert into t values (1,true,-32768,9223372036854775807,4000000000,3.3,4.44,10.1111,12345,'h\"é','cone','',
 'pg_name','x','192.168.2.0/12','192.168.100.128/25','08-00-2b-01-02-03','\\x010203',
 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11','{\"bar\": \"baz\"}','{\"bar\": \"baz\"}','2016-11-04','13:51:30.123456',
 '13:51:30.123','12:00:00.5+02:30:15','2016-11-04T13:51:30.123456','2016-11-04T13:51:30.123',
 '2016-11-04T13:51:30.123456+02','1 year 2 mons 3 days 04:05:06.78','[1000,6000)','{1,NULL,3}',
 '{one,\"t\\\"wo\",\"NULL\",NULL,\"\"}','(1,1)');
insert into t(id,f4,f8,n,d,t,ts,tsz,iv,a) values (2,'NaN','-Infinity','NaN','infinity','24:00:00','-infinity',
 'infinity','-1 years -2 mons +3 days -04:05:06.78','[0:2]={7,8,9}');
insert into t(id,n,d,t,ts,tsz,a) values (3,'Infinity','0044-03-15 BC','00:00:00','4713-12-31T23:59:59.999999 BC',
 '21016-11-04T13:51:30+07','{{1,2},{3,4}}');"

scenario toast "create table t(id int primary key, a int, big text); alter table t alter big set storage external;
create table f(id int primary key, a int, big text); alter table f alter big set storage external;
alter table f replica identity full" "
insert into t values (1,1,repeat('x',3000)); update t set a=2;
insert into f values (1,1,repeat('y',2100)); update f set a=2; update f set id=5;"

scenario identity "create table d(id int primary key, x int); create table f(id int primary key, x int);
create table n(id int primary key, x int); create table i(id int primary key, x int not null, y int);
create unique index i_x on i(x); alter table f replica identity full; alter table n replica identity nothing;
alter table i replica identity using index i_x; create table none(x int); alter table none replica identity full" "
insert into d values (1,1); insert into f values (1,1); insert into n values (1,1); insert into i values (1,10,1);
insert into none values (1);
update d set x=2; update f set x=2; update i set y=2; update i set x=11; update i set id=2; update none set x=2;
update d set id=9; delete from d; delete from f; delete from i; delete from none;"

scenario truncate "create table a(id int primary key); create table b(id int primary key references a)" "
insert into a values (1); truncate a cascade; truncate b restart identity;"

scenario ddl "create table t(id int primary key, a int)" "
insert into t values (1,1); alter table t add column b text default 'x'; insert into t values (2,2,'b');
alter table t rename column a to c; update t set c=3; alter table t drop column b; insert into t values (3,3);
begin; alter table t alter c type bigint; insert into t values (4,4); commit;"

scenario messages "create table t(id int primary key)" "
select pg_logical_emit_message(false,'free','one');
begin; insert into t values (1); select pg_logical_emit_message(true,'in','two'); insert into t values (2); commit;
begin; select pg_logical_emit_message(false,'free','kept'); select pg_logical_emit_message(true,'in','lost'); rollback;
begin; insert into t values (6); select pg_logical_emit_message(false,'free','before commit'); commit;
begin; insert into t values (3); savepoint s; insert into t values (4); rollback to s; insert into t values (5); commit;"

scenario enums "create type mood as enum ('sad','ok','hap,py'); create domain dm as mood; create domain pos as int check (value>0);
create table t(id pos primary key, m mood, d dm, ms mood[], ds pos[])" "
insert into t values (1,'ok','sad','{ok,\"hap,py\"}','{1,2}'); update t set m='hap,py'; delete from t;"
