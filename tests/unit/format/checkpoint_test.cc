// Checkpoint bytes in Kafka.
#include "format/checkpoint.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary::format {
namespace {

Checkpoint sample() {
    Checkpoint checkpoint;
    checkpoint.pipeline = "gw-17.plant";
    checkpoint.log_id = LogId{{0xAB, 1}};
    checkpoint.agent_version = "0.1.0";
    checkpoint.source_identity = "postgresql 7345 plant \"slot\"";
    checkpoint.resume = Position{std::string("\0\1\xFF", 3)};
    checkpoint.done = Position{"d"};
    checkpoint.first = Sequence(5);
    checkpoint.last = Sequence(~0ULL);
    checkpoint.previous_last = Sequence(4);
    checkpoint.record_count = 12;
    checkpoint.chain_crc = 0xFFFFFFFF;
    checkpoint.block_crc = 0x80000001;
    checkpoint.wall_time_us = -1;
    return checkpoint;
}

const char* const kSampleText =
    R"({"format":2,"pipeline":"gw-17.plant","log_id":"ab010000000000000000000000000000",)"
    R"("agent_version":"0.1.0","source_identity":"postgresql 7345 plant \"slot\"",)"
    R"("resume":"AAH/","done":"ZA==","first":5,"last":18446744073709551615,"previous_last":4,)"
    R"("record_count":12,"chain_crc":4294967295,"block_crc":2147483649,)"
    R"("wall_time_us":-1})";

std::string replaced(std::string_view from, std::string_view to) {
    std::string text = kSampleText;
    text.replace(text.find(from), from.size(), to);
    return text;
}

TEST(CheckpointBytes, are_the_documented_json) {
    EXPECT_EQ(pack_checkpoint(sample()), kSampleText);
}

TEST(CheckpointBytes, come_back_whole) {
    const auto unpacked = unpack_checkpoint(kSampleText);
    ASSERT_TRUE(unpacked) << unpacked.error().message();
    EXPECT_EQ(unpacked.value(), sample());
    EXPECT_EQ(unpack_checkpoint(pack_checkpoint({})).value(), Checkpoint{});
    for (const std::size_t length : {1U, 2U, 3U, 4U, 5U, 255U}) {
        Checkpoint checkpoint = sample();
        checkpoint.done.bytes = std::string(length, '\x9C');
        EXPECT_EQ(unpack_checkpoint(pack_checkpoint(checkpoint)).value(), checkpoint) << length;
    }
}

// What the versions before wrote, and what is written for a position set by hand.
TEST(CheckpointBytes, of_format_1_name_no_block) {
    std::string text = replaced("\"format\":2", "\"format\":1");
    const std::string member = ",\"block_crc\":2147483649";
    text.erase(text.find(member), member.size());
    Checkpoint checkpoint = sample();
    checkpoint.block_crc = 0;
    const auto unpacked = unpack_checkpoint(text);
    ASSERT_TRUE(unpacked) << unpacked.error().message();
    EXPECT_EQ(unpacked.value(), checkpoint);
    EXPECT_EQ(pack_checkpoint(checkpoint), text);
}

TEST(CheckpointBytes, of_a_later_format_are_too_new) {
    const auto later = unpack_checkpoint(R"({"format":3,"anything":true})");
    ASSERT_FALSE(later);
    EXPECT_TRUE(later.error().is(errors::kCheckpointTooNew));
}

TEST(CheckpointBytes, that_we_did_not_write_are_invalid) {
    for (const std::string& text : {std::string(),
                                    std::string("null"),
                                    std::string("[]"),
                                    std::string("{}"),
                                    std::string(R"({"format":1})"),
                                    std::string(R"({"format":2})"),
                                    std::string("\xFF\xFE"),
                                    std::string(50'000, '['),
                                    replaced("\"format\":2", "\"format\":0"),
                                    replaced("\"format\":2", "\"format\":1"),
                                    replaced("\"format\":2", "\"format\":\"2\""),
                                    replaced("2147483649", "0"),
                                    replaced("2147483649", "4294967296"),
                                    replaced(",\"block_crc\":2147483649", ""),
                                    replaced("\"first\":5", "\"first\":-5"),
                                    replaced("\"first\":5", "\"first\":5.0"),
                                    replaced("\"first\":5", "\"first\":5,\"first\":5"),
                                    replaced("\"first\":5", "\"first\": 5"),
                                    replaced("4294967295", "4294967296"),
                                    replaced("ab01", "AB01"),
                                    replaced("ab01", "ab0"),
                                    replaced("AAH/", "AAH"),
                                    replaced("AAH/", "AA*/"),
                                    replaced("ZA==", "ZB=="),
                                    replaced(",\"chain_crc\":4294967295", ""),
                                    std::string(kSampleText) + " ",
                                    std::string(kSampleText) + "{}"}) {
        const auto unpacked = unpack_checkpoint(text);
        ASSERT_FALSE(unpacked) << text;
        EXPECT_TRUE(unpacked.error().is(errors::kCheckpointInvalid)) << text;
    }
}

TEST(CheckpointBytes, cut_off_anywhere_are_invalid) {
    const std::string text = kSampleText;
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_FALSE(unpack_checkpoint(text.substr(0, length))) << length;
    }
}

}  // namespace
}  // namespace tributary::format
