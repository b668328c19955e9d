// The dead-letter record: JSON whatever the bytes, and never above its bound.
#include "core/delivery/dead_letter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/crc32c.h"

namespace tributary::core {
namespace {

using Json = nlohmann::json;

DeadLetter letter() {
    return {.pipeline = "pl\"ant\\",
            .sequence = Sequence(7),
            .sub_index = 1,
            .reason = "poison_record: too \x01 large\n",
            .topic = "plant.public.t",
            .key = "k\xFF",
            .value = "value",
            .identity = std::string("\x00\x01", 2)};
}

TEST(DeadLetterRecord, is_json_that_holds_everything) {
    const Json json = Json::parse(pack_dead_letter(letter(), 10'000));
    EXPECT_EQ(json["pipeline"], "pl\"ant\\");
    EXPECT_EQ(json["sequence"], 7);
    EXPECT_EQ(json["sub_index"], 1);
    EXPECT_EQ(json["reason"], "poison_record: too \x01 large\n");
    EXPECT_EQ(json["topic"], "plant.public.t");
    EXPECT_EQ(from_base64(json["key"].get<std::string>()), "k\xFF");
    EXPECT_EQ(from_base64(json["value"].get<std::string>()), "value");
    EXPECT_EQ(from_base64(json["identity"].get<std::string>()), std::string("\x00\x01", 2));
    EXPECT_EQ(json["value_bytes"], 5);
    EXPECT_EQ(json["value_crc32c"], crc32c(0, "value"));
    EXPECT_EQ(json["truncated"], false);
}

TEST(DeadLetterRecord, tells_a_missing_value_from_an_empty_one) {
    DeadLetter tombstone = letter();
    tombstone.value.reset();
    EXPECT_TRUE(Json::parse(pack_dead_letter(tombstone, 10'000))["value"].is_null());
    tombstone.value = "";
    EXPECT_EQ(Json::parse(pack_dead_letter(tombstone, 10'000))["value"], "");
}

TEST(DeadLetterRecord, leaves_the_bytes_out_before_it_is_above_its_bound) {
    bool whole_seen = false;
    bool cut_seen = false;
    for (std::size_t size = 0; size < 3000; size += 7) {
        DeadLetter sized = letter();
        sized.value = std::string(size, '\xEE');
        const std::string packed = pack_dead_letter(sized, 1500);
        const Json json = Json::parse(packed);
        EXPECT_LE(packed.size(), 1500U);
        EXPECT_EQ(json["value_bytes"], size);
        const bool cut = json["truncated"].get<bool>();
        EXPECT_EQ(json.contains("value"), !cut);
        (cut ? cut_seen : whole_seen) = true;
    }
    EXPECT_TRUE(whole_seen && cut_seen);
}

TEST(DeadLetterReason, is_kept_up_to_its_bound_and_cut_between_characters) {
    const std::string just(kReasonBytesMax, 'x');
    EXPECT_EQ(bounded_reason(just), just);
    EXPECT_EQ(bounded_reason(just + "y"), std::string(kReasonBytesMax - 2, 'x') + "..");
    std::string euros;
    for (std::size_t count = 0; count < kReasonBytesMax; ++count) {
        euros += "\xE2\x82\xAC";
    }
    for (const char* before : {"", "a", "ab"}) {
        const std::string cut = bounded_reason(before + euros);
        EXPECT_LE(cut.size(), kReasonBytesMax);
        EXPECT_EQ((cut.size() - std::string(before).size() - 2) % 3, 0U) << before;
    }
}

}  // namespace
}  // namespace tributary::core
