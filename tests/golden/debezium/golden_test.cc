// Whole records against kept bytes. insert_with_schema.json is the literal of
// reference/debezium-compat.md 2.2 (Debezium 3.6.1), except that the envelope's ts_ns has the
// precision of our clock, microseconds.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/unit/encode/fixture.h"

namespace tributary::encode {
namespace {

std::string read_golden(const std::string& name) {
    std::ifstream file(std::string(TRIBUTARY_GOLDEN "/") + name, std::ios::binary);
    EXPECT_TRUE(file.good()) << name;
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    while (!bytes.empty() && bytes.back() == '\n') {
        bytes.pop_back();
    }
    return bytes;
}

TEST(GoldenDebezium, insert_with_schema_is_the_literal_byte_for_byte) {
    World world(customers(), {.schemas = true});
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(world.records.at(0).value, read_golden("insert_with_schema.json"));
}

TEST(GoldenDebezium, insert_without_schema_is_its_payload_byte_for_byte) {
    World world;
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    const std::string golden = read_golden("insert_with_schema.json");
    const std::string marker = "\"payload\":";
    const std::size_t start = golden.find(marker) + marker.size();
    EXPECT_EQ(world.records.at(0).value, golden.substr(start, golden.size() - start - 1));
}

}  // namespace
}  // namespace tributary::encode
