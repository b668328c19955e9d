#!/bin/sh
# What the captured servers were told (each *.binlog here but the -statement ones, which are the two
# last lines; 5.6 without what it does not know):
#   capture.sh <socket> <mysql|mariadb>
# on a private server with binlog_format=ROW, binlog_row_metadata=FULL, GTIDs, CRC32 checksums and, for
# MariaDB, log_bin_compress_min_len=10; then the first files of its binary log are the captures.
S=$1; K=$2
q() { mariadb -S $S -uroot -f -e "$1"; }
q "create database shop; create database other; use shop;
create table t(id int primary key, name varchar(40), amount decimal(10,2), note text);
create table other.hidden(id int primary key, secret varchar(40));
insert into t values (1,'a',1.50,null),(2,'b',2.50,'x'),(3,'c',null,'y');
update t set amount=9 where id<=2; delete from t where id=3;
begin; insert into t values(4,'d',4,'d'); insert into other.hidden values(1,'s'),(2,'s2'); savepoint s1; insert into t values(5,'e',5,'e'); rollback to s1; insert into t values (6,'f',6,'f'); commit;
begin; insert into t values (99,'r',1,'r'); rollback;
alter table t add column extra int;
insert into t(id,extra) values (7,7);
truncate table other.hidden;
set session binlog_row_image=MINIMAL; update t set name='mini' where id=7; delete from t where id=7; set session binlog_row_image=FULL;"
q "use shop; xa start 'x1','b',7; insert into t(id,name) values(10,'xa1'),(11,'xa2'); insert into other.hidden values(3,'xx'); xa end 'x1','b',7; xa prepare 'x1','b',7"
q "use shop; insert into t(id) values (12)"
q "xa commit 'x1','b',7"
q "use shop; xa start 'x2'; insert into t(id,name) values(13,'never'); xa end 'x2'; xa prepare 'x2'"
q "xa rollback 'x2'"
q "use shop; xa start 'x3'; insert into t(id,name) values(14,'one'); xa end 'x3'; xa commit 'x3' one phase"
q "use shop; xa start 'x4'; insert into t(id,name) values(15,'open'); xa end 'x4'; xa prepare 'x4'"
if [ $K = mysql ]; then
q "use shop; set gtid_next='automatic:tag1'; insert into t(id) values(20); set gtid_next='automatic';
set binlog_transaction_compression=ON; insert into t(id,note) values (21,repeat('z',500)); set binlog_transaction_compression=OFF;
create table j(id int primary key, d json); insert into j values(1,'{\"a\":1,\"b\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}');
set binlog_row_value_options=PARTIAL_JSON; update j set d=json_set(d,'\$.a',2); set binlog_row_value_options='';
set binlog_rows_query_log_events=ON; delete from j;set binlog_rows_query_log_events=OFF;
create table c2 as select id from t where id<3;"
else
q "use shop; set global log_bin_compress=1; insert into t(id,note) values (21,repeat('z',500)),(22,'q'); update t set note=repeat('y',300) where id=21; delete from t where id in (21,22); set global log_bin_compress=0;
create table c2 as select id from t where id<3; set gtid_domain_id=5; insert into t(id) values(23); set gtid_domain_id=0;
create table m(id int primary key) engine=myisam; begin; insert into t(id) values (24); insert into m values (1); rollback;"
fi
q "flush logs"
q "use shop; set session binlog_format=STATEMENT; update t set name='stmt' where id=1; savepoint a; insert into other.hidden values (50,'st')"
q "flush logs"
