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

}  // namespace
}  // namespace tributary::mysql
