#include "connectors/mysql/server/server_error.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

TEST(ServerError, what_passes_is_tried_again) {
    for (const unsigned number : {
             1205U,  // a lock was not to be had in time
             1213U,  // a deadlock
             1317U,  // KILL QUERY
             1927U,  // MariaDB: KILL CONNECTION
             1969U,  // MariaDB: max_statement_time
             3024U,  // MySQL: max_execution_time
             2013U,  // the connection was lost
         }) {
        EXPECT_TRUE(server_error(number, "so", "reading").transient()) << number;
    }
}

TEST(ServerError, what_does_not_pass_is_named) {
    const Error rights = server_error(1142, "SELECT command denied", "reading");
    EXPECT_FALSE(rights.transient());
    EXPECT_EQ(rights.kind().name, errors::kSourceRights.name);
    EXPECT_EQ(rights.what(), "reading: SELECT command denied (error 1142)");
    EXPECT_FALSE(server_error(1064, "You have an error in your SQL syntax", "x").transient());
}

TEST(ServerError, says_what_mends_it_where_the_server_does_not) {
    EXPECT_TRUE(server_error(3118, "Account is locked", "x").is(errors::kSourceAuth));
    EXPECT_TRUE(server_error(1820, "You must SET PASSWORD", "x").is(errors::kSourceAuth));
    const Error limit = server_error(1226, "User 't' has exceeded the resource", "x");
    EXPECT_TRUE(limit.transient());
    EXPECT_NE(limit.what().find("ALTER USER"), std::string::npos);
    const Error nameless = server_error(
        1236, "Cannot replicate anonymous transaction when @@GLOBAL.GTID_MODE = ON", "x");
    EXPECT_TRUE(nameless.is(errors::kSourceSettings));
    EXPECT_NE(nameless.what().find("ON_PERMISSIVE"), std::string::npos);
}

}  // namespace
}  // namespace tributary::mysql
