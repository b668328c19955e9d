// The answer to a dump command, in pieces of any size: packets joined, checksums checked,
// compressed transactions opened while they arrive, what is too large told by its head.
#include "connectors/mysql/binlog/event_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kQuery = 2;
constexpr std::uint8_t kFormat = 15;
constexpr std::uint8_t kRows = 30;
constexpr std::uint8_t kPayload = 40;

std::string event(std::uint8_t type, const std::string& body, bool checksum = true) {
    std::string out;
    append_fixed(out, std::uint32_t{1});
    out.push_back(static_cast<char>(type));
    append_fixed(out, std::uint32_t{1});
    append_fixed(out, static_cast<std::uint32_t>(19 + body.size() + (checksum ? 4 : 0)));
    append_fixed(out, std::uint32_t{0});
    append_fixed(out, std::uint16_t{0});
    out += body;
    if (checksum) {
        append_fixed(out,
                     static_cast<std::uint32_t>(::crc32_z(
                         0,
                         static_cast<const unsigned char*>(static_cast<const void*>(out.data())),
                         out.size())));
    }
    return out;
}

// Packets of one answer.
class Answer {
  public:
    Answer& message(const std::string& content) {
        std::string_view rest = content;
        for (;;) {
            const std::size_t size = std::min<std::size_t>(rest.size(), 0xFFFFFF);
            packet(rest.substr(0, size));
            rest.remove_prefix(size);
            if (size < 0xFFFFFF) {
                return *this;
            }
        }
    }
    Answer& event(std::uint8_t type, const std::string& body) {
        return message(std::string(1, '\0') + mysql::event(type, body));
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    void packet(std::string_view content) {
        bytes_.push_back(static_cast<char>(content.size()));
        bytes_.push_back(static_cast<char>(content.size() >> 8U));
        bytes_.push_back(static_cast<char>(content.size() >> 16U));
        bytes_.push_back(static_cast<char>(number_++));
        bytes_ += content;
    }
    std::string bytes_;
    std::uint8_t number_ = 1;
};

std::string compressed(const std::string& events) {
    std::string frame(ZSTD_compressBound(events.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), events.data(), events.size(), 3));
    return frame;
}

// Bytes that zstd cannot make fewer of.
std::string noise(std::size_t size) {
    std::string out;
    std::uint32_t state = 1;
    while (out.size() < size) {
        state = state * 1'664'525U + 1'013'904'223U;
        out.push_back(static_cast<char>(state >> 24U));
    }
    return out;
}

std::string payload(const std::string& events) {
    const std::string head{2, 1, 0, 0};  // zstd; the end
    return head + compressed(events);
}

struct Read {
    std::vector<std::string> texts;
    std::optional<Error> error;
};

// Fed `step` bytes at a time.
Read read(const std::string& bytes, std::size_t step, const EventLimits& limits = {}) {
    EventReader reader(limits);
    Read out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        reader.feed(std::string_view(bytes).substr(at, step));
        for (;;) {
            const auto event = reader.next();
            if (!event) {
                out.error = event.error();
                return out;
            }
            if (!event.value()) {
                break;
            }
            const WireEvent& one = *event.value();
            out.texts.push_back(std::to_string(static_cast<int>(one.kind)) + " " +
                                std::to_string(one.inner) + " " + std::to_string(one.total) + " " +
                                std::string(one.bytes.substr(19, 8)));
        }
    }
    return out;
}

const std::string kFormatBody = std::string(57, 'f') + std::string(1, '\1');

TEST(EventReader, gives_the_same_events_however_the_bytes_arrive) {
    Answer answer;
    answer.event(kFormat, kFormatBody)
        .event(kQuery, "BEGIN")
        .event(kPayload, payload(event(kQuery, "inner", false) + event(kRows, "rows", false)))
        .event(kRows, std::string(70'000, 'r'));
    const Read whole = read(answer.bytes(), answer.bytes().size());
    ASSERT_FALSE(whole.error) << whole.error->message();
    EXPECT_EQ(whole.texts,
              (std::vector<std::string>{"0 0 77 ffffffff",
                                        "0 0 24 BEGIN",
                                        "2 0 19 ",
                                        "3 1 24 inner",
                                        "3 2 23 rows",
                                        "0 0 70019 rrrrrrrr"}));
    for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 64UL, 1000UL, 65'536UL}) {
        const Read parts = read(answer.bytes(), step);
        ASSERT_FALSE(parts.error) << step << " " << parts.error->message();
        EXPECT_EQ(parts.texts, whole.texts) << step;
    }
}

TEST(EventReader, takes_messages_that_were_joined_already) {
    const std::string one = std::string(1, '\0') + event(kFormat, kFormatBody);
    const std::string two =
        std::string(1, '\0') + event(kPayload, payload(event(kRows, "rows", false)));
    EventReader reader({});
    std::vector<WireKind> kinds;
    for (const std::string& message : {one, two}) {
        reader.feed_message(message);
        for (;;) {
            const auto event = reader.next();
            ASSERT_TRUE(event) << event.error().message();
            if (!event.value()) {
                break;
            }
            kinds.push_back(event.value()->kind);
        }
    }
    EXPECT_EQ(kinds, (std::vector{WireKind::event, WireKind::payload, WireKind::inner}));
}

TEST(EventReader, joins_packets_of_sixteen_megabytes) {
    Answer answer;
    answer.event(kFormat, kFormatBody).event(kRows, std::string(0xFFFFFF + 100, 'r'));
    const Read got = read(answer.bytes(), 65'536);
    ASSERT_FALSE(got.error) << got.error->message();
    EXPECT_EQ(got.texts.back(), "0 0 16777334 rrrrrrrr");
}

TEST(EventReader, tells_what_is_too_large_by_its_head_and_goes_on_behind_it) {
    Answer answer;
    answer.event(kFormat, kFormatBody)
        .event(kRows, std::string(5000, 'r'))
        .event(kQuery, "after")
        .event(
            kPayload,
            payload(event(kRows, "ssssssss" + noise(4992), false) + event(kQuery, "inner", false)));
    for (const std::size_t step : {1UL, 100UL, 1000UL}) {
        const Read got =
            read(answer.bytes(),
                 step,
                 {.event_bytes_max = 1000, .head_bytes = 64, .payload_bytes_held = 64});
        ASSERT_FALSE(got.error) << step << " " << got.error->message();
        EXPECT_EQ(got.texts,
                  (std::vector<std::string>{"0 0 77 ffffffff",
                                            "1 0 5019 rrrrrrrr",
                                            "0 0 24 after",
                                            "2 0 19 ",
                                            "4 1 5019 ssssssss",
                                            "3 2 24 inner"}))
            << step;
    }
}

TEST(EventReader, a_flipped_bit_is_another_connections_to_tell_unless_rows_of_it_were_given) {
    Answer answer;
    answer.event(kFormat, kFormatBody).event(kRows, std::string(5000, 'r'));
    std::string bytes = answer.bytes();
    bytes[bytes.size() - 100] = 'x';
    Read got = read(bytes, 100);
    ASSERT_TRUE(got.error);
    EXPECT_TRUE(got.error->is(errors::kSourceUnreachable)) << got.error->message();
    Answer compressed_one;
    compressed_one.event(kFormat, kFormatBody)
        .event(kPayload, payload(event(kRows, noise(5000), false)));
    bytes = compressed_one.bytes();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    got = read(bytes, 10, {.payload_bytes_held = 100});
    ASSERT_TRUE(got.error);
    EXPECT_TRUE(got.error->is(errors::kProtocolViolation)) << got.error->message();
}

TEST(EventReader, refuses_packets_out_of_order_and_events_of_another_length) {
    Answer answer;
    answer.event(kFormat, kFormatBody).event(kQuery, "BEGIN");
    std::string bytes = answer.bytes();
    bytes[3] = 2;
    EXPECT_TRUE(read(bytes, 64).error->is(errors::kProtocolViolation));
    std::string shorter = event(kQuery, "BEGIN");
    shorter.pop_back();
    const Read got = read(Answer().message(std::string(1, '\0') + shorter).bytes(), 64);
    ASSERT_TRUE(got.error);
    EXPECT_TRUE(got.error->is(errors::kProtocolViolation));
    EXPECT_TRUE(read(Answer().message("").bytes(), 64).error->is(errors::kProtocolViolation));
}

TEST(EventReader, says_what_the_server_said_when_it_ended_the_dump) {
    const Read clash = read(
        Answer()
            .message("\xff\xd4\x04#HY000A slave with the same server_uuid/server_id as this slave")
            .bytes(),
        7);
    ASSERT_TRUE(clash.error);
    EXPECT_TRUE(clash.error->is(errors::kServerIdInUse)) << clash.error->message();
    const Read end = read(Answer().message(std::string("\xfe\0\0\2\0", 5)).bytes(), 64);
    ASSERT_TRUE(end.error);
    EXPECT_TRUE(end.error->is(errors::kSourceUnreachable));
}

TEST(EventReader, a_payload_that_is_cut_or_not_zstd_or_needs_a_wide_window_is_refused) {
    const std::string inside = event(kRows, std::string(500, 'r'), false);
    const auto with = [](const std::string& body) {
        return read(Answer().event(kFormat, kFormatBody).event(kPayload, body).bytes(), 50);
    };
    EXPECT_FALSE(with(payload(inside)).error);
    std::string cut = payload(inside);
    cut.resize(cut.size() - 3);
    EXPECT_TRUE(with(cut).error->is(errors::kProtocolViolation));
    EXPECT_TRUE(with(payload(inside.substr(0, 100))).error->is(errors::kProtocolViolation));
    EXPECT_TRUE(with(std::string{2, 1, 0, 0} + "no zstd").error->is(errors::kProtocolViolation));
    EXPECT_TRUE(with(std::string{2, 1, 7, 0} + inside).error->is(errors::kSourceSettings));
    EXPECT_TRUE(with(std::string(400, '\1')).error->is(errors::kProtocolViolation));
    // Not compressed.
    EXPECT_FALSE(with(std::string{2, 1, '\xff', 0} + inside).error);
    // Level 22 with a frame that says so: a window of 128 MiB.
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                    ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, 27);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
    std::string wide(ZSTD_compressBound(inside.size()), '\0');
    ZSTD_inBuffer in{inside.data(), inside.size(), 0};
    ZSTD_outBuffer out{wide.data(), wide.size(), 0};
    ASSERT_EQ(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_flush), 0U);
    wide.resize(out.pos);
    const Read refused = with(std::string{2, 1, 0, 0} + wide);
    ASSERT_TRUE(refused.error);
    EXPECT_TRUE(refused.error->is(errors::kSourceSettings)) << refused.error->message();
}

}  // namespace
}  // namespace tributary::mysql
