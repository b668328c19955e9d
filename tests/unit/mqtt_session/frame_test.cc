// Packets in a stream that comes in pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/mqtt_session/support.h"

namespace tributary::mqtt::test {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t kMax = 1000;

std::vector<std::string> read_all(FrameReader& reader) {
    std::vector<std::string> frames;
    for (;;) {
        const auto frame = reader.next();
        if (frame.has_error()) {
            frames.push_back(frame.error().message());
            return frames;
        }
        if (!frame.value()) {
            return frames;
        }
        frames.emplace_back(frame.value()->bytes);
    }
}

// Two long packets, a short one and a long one, cut in two or three pieces everywhere.
TEST(FrameReader, gives_the_same_packets_however_the_stream_is_cut) {
    const std::vector<std::string> packets = {"\x30\x85\x01" + std::string(133, 'x'),
                                              bytes("C0 00"),
                                              bytes("40 02 0001"),
                                              "\x30\x90\x01" + std::string(144, 'y')};
    std::string stream;
    for (const auto& packet : packets) {
        stream += packet;
    }
    for (std::size_t first = 0; first <= stream.size(); ++first) {
        for (std::size_t second = first; second <= stream.size(); second += 1 + second % 7) {
            FrameReader reader(kMax);
            std::vector<std::string> got;
            for (const auto& piece : {stream.substr(0, first),
                                      stream.substr(first, second - first),
                                      stream.substr(second)}) {
                reader.feed(piece);
                const auto frames = read_all(reader);
                got.insert(got.end(), frames.begin(), frames.end());
            }
            ASSERT_EQ(got, packets) << first << " " << second;
        }
    }
}

TEST(FrameReader, takes_one_byte_at_a_time) {
    const std::string stream = bytes("30 05 0003 'a/b' C0 00 E0 00");
    FrameReader reader(kMax);
    std::vector<std::string> got;
    for (const char byte : stream) {
        reader.feed(std::string_view(&byte, 1));
        for (const auto& frame : read_all(reader)) {
            got.push_back(hex(frame));
        }
    }
    EXPECT_THAT(got, ElementsAre("30050003612f62", "c000", "e000"));
}

// Frames of one piece stay valid together: the one put together and those behind it.
TEST(FrameReader, keeps_every_frame_of_a_piece_until_the_next) {
    FrameReader reader(kMax);
    reader.feed("\x30");
    EXPECT_TRUE(read_all(reader).empty());
    const std::string piece = bytes("05 0003 'a/b' C0 00 30 7F 'tail'");
    reader.feed(piece);
    const auto first = reader.next();
    const auto second = reader.next();
    const auto third = reader.next();
    ASSERT_TRUE(first.has_value() && second.has_value() && third.has_value());
    EXPECT_FALSE(third.value());
    EXPECT_EQ(hex(first.value()->bytes), "30050003612f62");
    EXPECT_EQ(hex(second.value()->bytes), "c000");
    EXPECT_EQ(reader.kept(), 6U);
    const std::string rest(123, 'z');
    reader.feed(rest);
    const auto fourth = reader.next();
    ASSERT_TRUE(fourth.has_value() && fourth.value());
    EXPECT_EQ(fourth.value()->bytes.size(), 129U);
    EXPECT_EQ(fourth.value()->bytes.substr(0, 6), "0\x7Ftail");
}

TEST(FrameReader, refuses_a_large_packet_by_its_header_alone) {
    FrameReader reader(kMax);
    reader.feed(bytes("30 FF FF FF 7F"));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.has_error());
    EXPECT_EQ(frame.error().reason, ReasonCode::packet_too_large);
    EXPECT_LE(reader.kept(), 5U);  // nothing was set aside for what it announced

    FrameReader exact(7);
    exact.feed(bytes("30 05 0003 'a/b'"));
    ASSERT_TRUE(exact.next().has_value());
    FrameReader small(6);
    small.feed(bytes("30 05 0003 'a/b'"));
    ASSERT_TRUE(small.next().has_error());
}

TEST(FrameReader, refuses_a_bad_header_at_its_first_byte) {
    FrameReader reader(kMax);
    reader.feed(bytes("00"));
    ASSERT_TRUE(reader.next().has_error());
    reader.reset();
    reader.feed(bytes("30 80 80 80 80"));
    const auto frame = reader.next();
    ASSERT_TRUE(frame.has_error());
    EXPECT_EQ(frame.error().reason, ReasonCode::malformed_packet);
    EXPECT_EQ(frame.error().offset, 4U);
}

TEST(FrameReader, grows_only_by_what_came) {
    FrameReader reader(kPacketBytesMax);
    reader.feed(bytes("30 FF FF FF 7F 'abc'"));
    ASSERT_TRUE(reader.next().has_value());
    EXPECT_EQ(reader.kept(), 8U);
}

}  // namespace
}  // namespace tributary::mqtt::test
