// The base room: arena, bytes, base64, CRC32C, errors, descriptors.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/recurrence.h"
#include "base/result.h"
#include "base/strong.h"
#include "base/unique_fd.h"

namespace tributary {
namespace {

TEST(Arena, keeps_every_view_until_reset) {
    Arena arena(64, 128);
    std::vector<std::pair<std::string, std::string_view>> copies;
    for (std::size_t size = 0; size < 300; ++size) {
        std::string text(size, static_cast<char>('a' + size % 26));
        copies.emplace_back(text, arena.copy(text));
    }
    for (const auto& [text, view] : copies) {
        EXPECT_EQ(text, view);
    }
    arena.reset();
    EXPECT_LE(arena.bytes_reserved(), 128U + 304U);
    EXPECT_EQ(arena.copy("again"), "again");
}

TEST(Arena, aligns_for_any_scalar_and_gives_back_the_unused_end) {
    Arena arena(1024);
    for (const std::size_t size : {1U, 7U, 16U, 17U}) {
        const auto at = reinterpret_cast<std::uintptr_t>(arena.allocate(size));
        EXPECT_EQ(at % alignof(std::max_align_t), 0U);
    }
    char* large = arena.allocate(500);
    arena.shrink_last(large, 10);
    EXPECT_EQ(arena.allocate(1), large + 16);
}

TEST(Arena, makes_and_copies_objects) {
    struct Point {
        double x = 7;
        std::string_view name;
    };
    Arena arena(64);
    const auto made = arena.make<Point>(5);
    ASSERT_EQ(made.size(), 5U);
    EXPECT_EQ(made[4].x, 7);
    made[4].name = "last";
    const auto copied = arena.copies(std::span<const Point>(made));
    made[4].name = "changed";
    ASSERT_EQ(copied.size(), 5U);
    EXPECT_EQ(copied[4].name, "last");
    EXPECT_TRUE(arena.make<Point>(0).empty());
}

TEST(Arena, uses_its_chunks_again) {
    Arena arena(64, 1024);
    for (int round = 0; round < 100; ++round) {
        (void)arena.allocate(60);
        (void)arena.allocate(60);
        arena.reset();
    }
    EXPECT_EQ(arena.bytes_reserved(), 128U);
}

TEST(Varint, round_trips_at_every_width_and_is_refused_when_cut) {
    for (unsigned bits = 0; bits < 64; ++bits) {
        for (const std::uint64_t value :
             {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1}) {
            std::string bytes;
            append_varint(bytes, value);
            ByteReader reader(bytes);
            EXPECT_EQ(reader.varint(), value);
            EXPECT_TRUE(reader.ok() && reader.at_end());
            ByteReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
            (void)cut.varint();
            EXPECT_FALSE(cut.ok());
        }
    }
    ByteReader endless(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 11));
    (void)endless.varint();
    EXPECT_FALSE(endless.ok());
}

TEST(ByteReader, stays_failed_and_gives_nothing_more) {
    std::string bytes;
    append_fixed<std::uint32_t>(bytes, 0x01020304, Endian::big);
    append_sized(bytes, "text");
    bytes += "name";
    bytes.push_back('\0');
    ByteReader reader(bytes);
    EXPECT_EQ(reader.fixed<std::uint32_t>(Endian::big), 0x01020304U);
    EXPECT_EQ(reader.sized(), "text");
    EXPECT_EQ(reader.c_string(), "name");
    EXPECT_TRUE(reader.ok() && reader.at_end());
    EXPECT_EQ(reader.fixed<std::uint8_t>(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.bytes(0), "");
    EXPECT_EQ(reader.c_string(), "");
}

TEST(ByteReader, refuses_a_length_beyond_its_end) {
    std::string bytes;
    append_varint(bytes, std::numeric_limits<std::uint64_t>::max());
    bytes += "short";
    ByteReader reader(bytes);
    EXPECT_EQ(reader.sized(), "");
    EXPECT_FALSE(reader.ok());
    ByteReader unended("no end");
    EXPECT_EQ(unended.c_string(), "");
    EXPECT_FALSE(unended.ok());
}

TEST(Base64, matches_rfc_4648_and_refuses_what_it_does_not_give) {
    const std::vector<std::pair<std::string, std::string>> table = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xFB\xFF", "+/8="}};
    for (const auto& [plain, encoded] : table) {
        EXPECT_EQ(to_base64(plain), encoded);
        EXPECT_EQ(from_base64(encoded), plain);
    }
    for (const char* wrong :
         {"Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm 9"}) {
        EXPECT_FALSE(from_base64(wrong)) << wrong;
    }
}

TEST(Crc32c, matches_rfc_3720_and_goes_on_over_parts) {
    EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8A9136AAU);
    EXPECT_EQ(crc32c(0, std::string(32, '\xFF')), 0x62A8AB43U);
    EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283U);
    const std::string text = "The quick brown fox jumps over the lazy dog, twice and unaligned.";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(crc32c(crc32c(0, text.substr(0, cut)), text.substr(cut)), crc32c(0, text));
    }
}

TEST(Error, says_where_what_and_what_to_do) {
    static const ErrorKind kind{"a_name", ErrorClass::transient, 3, "all is well.", "wait."};
    const Error error(kind, "it broke");
    EXPECT_EQ(error.at("source p").what(), "source p: it broke");
    EXPECT_EQ(error.message(), "a_name: it broke. Safe: all is well. Next: wait.");
    EXPECT_TRUE(error.transient());
    EXPECT_TRUE(error.is(kind));
    EXPECT_FALSE(Error().is(kind));
}

Result<int> half(int value) {
    static const ErrorKind kind{"odd", ErrorClass::definite, 1, "", ""};
    if (value % 2 != 0) {
        return Error(kind, "odd");
    }
    return value / 2;
}

Result<int> quarter(int value) {
    TRIBUTARY_TRY(halved, half(value));
    return half(halved);
}

TEST(Result, hands_the_first_error_on) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().what(), "odd");
    EXPECT_FALSE(quarter(7));
}

TEST(Strong, orders_by_value_and_is_explicit) {
    using Meters = Strong<int, struct MetersTag>;
    using Seconds = Strong<int, struct SecondsTag>;
    EXPECT_LT(Meters(1), Meters(2));
    static_assert(!std::is_convertible_v<int, Meters>);
    static_assert(!std::is_constructible_v<Meters, Seconds>);
}

TEST(Recurrence, counts_within_its_window_only) {
    using std::chrono::seconds;
    Recurrence thrice(3, seconds(10));
    const Recurrence::Time start{};
    EXPECT_FALSE(thrice.happened(start));
    EXPECT_FALSE(thrice.happened(start + seconds(1)));
    EXPECT_FALSE(thrice.happened(start + seconds(11))) << "the first is too long ago";
    EXPECT_TRUE(thrice.happened(start + seconds(11)));
    EXPECT_FALSE(thrice.happened(start + seconds(30)));
}

TEST(UniqueFd, closes_once_and_moves) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    UniqueFd reader(ends[0]);
    {
        UniqueFd writer(ends[1]);
        UniqueFd moved(std::move(writer));
        EXPECT_EQ(moved.get(), ends[1]);
    }
    char byte = 0;
    EXPECT_EQ(::read(reader.get(), &byte, 1), 0);
    EXPECT_EQ(::fcntl(ends[1], F_GETFD), -1);
}

TEST(AssertDeathTest, names_what_did_not_hold) {
    EXPECT_DEATH(TRIBUTARY_ASSERT(1 + 1 == 3), "1 \\+ 1 == 3");
}

}  // namespace
}  // namespace tributary
