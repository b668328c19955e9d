// What the server's and libpq's words mean in the error table, and quoting. The messages are
// PostgreSQL's own (13 to 17) and libpq's (15).
#include "connectors/postgresql/server/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using testing::HasSubstr;
using testing::Not;

struct ServerCase {
    std::string_view sqlstate;
    std::string_view message;
    const ErrorKind& kind;
};

TEST(KindOf, a_sqlstate_has_one_meaning_beside_its_neighbours) {
    const ServerCase kCases[] = {
        {"28P01", "password authentication failed for user \"x\"", errors::kSourceAuth},
        {"28000", "no pg_hba.conf entry for host \"::1\"", errors::kSourceAuth},
        {"25006",
         "cannot execute CREATE PUBLICATION in a read-only transaction",
         errors::kSourceSettings},
        {"25P02", "current transaction is aborted", errors::kSourceUnreachable},
        {"42501", "permission denied for table t", errors::kSourceRights},
        {"42601", "syntax error at or near \"(\"", errors::kSourceSettings},
        {"3D000", "database \"x\" does not exist", errors::kConfigInvalid},
        {"3F000", "schema \"x\" does not exist", errors::kSourceUnreachable},
        {"55006", "replication slot \"s\" is active for PID 7", errors::kSlotInUse},
        {"55000", "logical decoding requires wal_level >= logical", errors::kSourceSettings},
        {"55000", "recovery is in progress", errors::kSourceSettings},
        {"55000", "can no longer get changes from replication slot \"s\"", errors::kSlotLost},
        {"55000", "cannot read from logical replication slot: invalidated", errors::kSlotLost},
        {"55000", "something else", errors::kSourceUnreachable},
        {"58P01",
         "requested WAL segment 000000010000000000000001 has already been removed",
         errors::kSlotLost},
        {"58P01", "could not open file \"x\"", errors::kSourceUnreachable},
        {"42704", "publication \"p\" does not exist", errors::kPublicationMissing},
        {"42704", "replication slot \"s\" does not exist", errors::kSlotMissing},
        {"53400", "all replication slots are in use", errors::kSlotLimit},
        {"53400", "something else", errors::kSourceUnreachable},
        {"53300",
         "number of requested standby connections exceeds max_wal_senders (currently 1)",
         errors::kSlotLimit},
        {"53300", "sorry, too many clients already", errors::kSourceUnreachable},
        {"57P01",
         "terminating connection due to administrator command",
         errors::kSourceUnreachable},
        {"57P03", "the database system is starting up", errors::kSourceUnreachable},
        {"22023", "invalid value for parameter", errors::kSourceSettings},
        {"22P02", "invalid input syntax for type integer: \"x\"", errors::kValueUndecodable},
        {"22012", "division by zero", errors::kValueUndecodable},
        {"0A000", "not supported", errors::kSourceSettings},
        {"F0000", "configuration file", errors::kSourceSettings},
        {"", "", errors::kSourceUnreachable},
        {"2", "", errors::kSourceUnreachable},
    };
    for (const ServerCase& each : kCases) {
        EXPECT_EQ(kind_of(each.sqlstate, each.message).name, each.kind.name)
            << each.sqlstate << " " << each.message;
    }
}

Connection options() {
    Connection connection;
    connection.host = "db.plant";
    connection.dbname = "plant";
    connection.user = "tributary";
    connection.password = config::Secret("hunter2");
    return connection;
}

struct ConnectCase {
    std::string_view text;
    const ErrorKind& kind;
};

TEST(ConnectError, libpqs_words_have_a_meaning_beside_their_neighbours) {
    const ConnectCase kCases[] = {
        {"connection to server at \"db\" (::1), port 5432 failed: FATAL:  28P01: password "
         "authentication failed for user \"x\"\nLOCATION:  auth_failed, auth.c:331\n",
         errors::kSourceAuth},
        {"connection to server failed: FATAL:  3D000: database \"x\" does not exist\n",
         errors::kConfigInvalid},
        {"connection to server failed: FATAL:  53300: sorry, too many clients already\n",
         errors::kSourceUnreachable},
        {"connection failed: fe_sendauth: no password supplied\n", errors::kSourceAuth},
        {"connection failed: authentication method 10 not supported\n", errors::kSourceAuth},
        {"connection failed: channel binding required, but server did not\n", errors::kSourceAuth},
        {"connection failed: server does not support SSL, but SSL was required\n",
         errors::kSourceTls},
        {"connection failed: SSL error: certificate verify failed\n", errors::kSourceTls},
        {"connection failed: server certificate for \"a\" does not match host name \"b\"\n",
         errors::kSourceTls},
        {"connection failed: SSL SYSCALL error: EOF detected\n", errors::kSourceUnreachable},
        {"connection failed: server closed the connection unexpectedly\n",
         errors::kSourceUnreachable},
        {"connection failed: Connection refused\n", errors::kSourceUnreachable},
        {"could not translate host name \"nowhere\" to address: Name or service not known\n",
         errors::kSourceUnreachable},
        {"invalid port number: \"x\"\n", errors::kConfigInvalid},
        {"invalid sslmode value: \"maybe\"\n", errors::kSourceTls},
        {"", errors::kSourceUnreachable},
    };
    for (const ConnectCase& each : kCases) {
        const Error error = connect_error(each.text, options());
        EXPECT_EQ(error.kind().name, each.kind.name) << each.text;
        EXPECT_THAT(error.what(), HasSubstr("db.plant:5432 database \"plant\" user \"tributary\""));
        EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
        EXPECT_THAT(error.what(), Not(HasSubstr("LOCATION")));
        EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    }
}

TEST(Quoting, doubles_the_mark_and_nothing_else) {
    EXPECT_EQ(quote_identifier("plain"), "\"plain\"");
    EXPECT_EQ(quote_identifier("a\"b'c\\"), "\"a\"\"b'c\\\"");
    EXPECT_EQ(quote_identifier(""), "\"\"");
    EXPECT_EQ(quote_literal("a'b\"c\\"), "'a''b\"c\\'");
}

TEST(Interrupter, is_kept_until_noticed_and_then_forgotten) {
    const Interrupter interrupter;
    EXPECT_EQ(wait_for(-1, 0, interrupter, std::chrono::milliseconds(-1)), Wake::timeout);
    EXPECT_FALSE(interrupter.consume());
    interrupter.interrupt();
    interrupter.interrupt();
    EXPECT_EQ(wait_for(-1, 0, interrupter, std::chrono::milliseconds(0)), Wake::interrupted);
    EXPECT_TRUE(interrupter.consume());
    EXPECT_FALSE(interrupter.consume());
    EXPECT_EQ(wait_for(-1, 0, interrupter, std::chrono::milliseconds(0)), Wake::timeout);
}

}  // namespace
}  // namespace tributary::postgresql
