// Log lines and metrics as they leave the process.
#include "telemetry/observer.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "model/errors.h"
#include "telemetry/log_line.h"

namespace tributary::telemetry {
namespace {

class HandClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override { return SteadyTime(std::chrono::seconds(at)); }
    [[nodiscard]] std::int64_t wall_time_us() const override { return 1'700'000'000'123'456 + at; }
    int at = 0;
};

class ObserverTest : public testing::Test {
  protected:
    std::unique_ptr<ProcessObserver> make(LogFormat format, LogLevel level = LogLevel::info) {
        return make_observer({.level = level, .format = format, .out = &out_}, clock_);
    }
    [[nodiscard]] std::size_t lines() const {
        const std::string text = out_.str();
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    HandClock clock_;
    std::ostringstream out_;
};

TEST_F(ObserverTest, a_text_line_has_time_level_pipeline_message_and_fields) {
    make(LogFormat::text)->log(LogLevel::warn, "plant", "slow disk", {{"ms", "90"}, {"at", "a b"}});
    EXPECT_EQ(out_.str(), "2023-11-14T22:13:20.123Z warn  [plant] slow disk ms=90 at=\"a b\"\n");
}

TEST_F(ObserverTest, a_json_line_is_one_object) {
    make(LogFormat::json)->log(LogLevel::info, "plant", "say \"hi\"\nthere", {{"bad", "\xff"}});
    EXPECT_EQ(lines(), 1U);
    const auto object = nlohmann::json::parse(out_.str());
    EXPECT_EQ(object.at("time"), "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(object.at("level"), "info");
    EXPECT_EQ(object.at("pipeline"), "plant");
    EXPECT_EQ(object.at("message"), "say \"hi\"\nthere");
}

TEST_F(ObserverTest, a_line_end_in_a_message_makes_no_second_text_line) {
    make(LogFormat::text)->log(LogLevel::info, "", "one\ntwo\x1b[31m", {{"f", "a\nb"}});
    EXPECT_EQ(out_.str(), "2023-11-14T22:13:20.123Z info  one two [31m f=a b\n");
}

// The journal's end of its socket.
class JournalEnd {
  public:
    JournalEnd() {
        std::string folder = testing::TempDir() + "journal-XXXXXX";
        EXPECT_NE(::mkdtemp(folder.data()), nullptr);
        path = folder + "/socket";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                  0);
    }
    ~JournalEnd() { std::filesystem::remove_all(std::filesystem::path(path).parent_path()); }
    JournalEnd(const JournalEnd&) = delete;
    JournalEnd& operator=(const JournalEnd&) = delete;

    [[nodiscard]] std::string entry() const {
        std::array<char, 1024> buffer{};
        const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return count < 0 ? "none" : std::string(buffer.data(), static_cast<std::size_t>(count));
    }
    std::string path;

  private:
    UniqueFd fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_F(ObserverTest, the_journal_gets_an_entry_with_fields_and_what_is_below_the_level_none) {
    const JournalEnd journal;
    const auto observer = make_observer(
        {.format = LogFormat::journal, .out = &out_, .journal_socket = journal.path}, clock_);
    observer->log(LogLevel::debug, "plant", "quiet");
    observer->log(LogLevel::warn, "plant", "slow disk", {{"at-ms", "90"}, {"next", "a\nb"}});
    EXPECT_EQ(journal.entry(),
              std::string("MESSAGE=[plant] slow disk at-ms=90 next=a b\nPRIORITY=4\n"
                          "SYSLOG_IDENTIFIER=tributary\nTRIBUTARY_PIPELINE=plant\n"
                          "TRIBUTARY_AT_MS=90\nTRIBUTARY_NEXT\n\x03\0\0\0\0\0\0\0a\nb\n",
                          154));
    EXPECT_EQ(journal.entry(), "none");
    EXPECT_EQ(out_.str(), "");
}

TEST_F(ObserverTest, without_a_journal_its_lines_are_not_lost) {
    const auto observer = make_observer(
        {.format = LogFormat::journal, .out = &out_, .journal_socket = "/nowhere/socket"}, clock_);
    observer->log(LogLevel::info, "plant", "started");
    EXPECT_EQ(nlohmann::json::parse(out_.str()).at("message"), "started");
}

TEST_F(ObserverTest, braces_in_a_message_are_text) {
    make(LogFormat::text)->log(LogLevel::info, "", "{} {0}");
    EXPECT_NE(out_.str().find("{} {0}\n"), std::string::npos);
}

TEST_F(ObserverTest, lines_below_the_level_are_left_out_until_it_changes) {
    const auto telemetry = make(LogFormat::text, LogLevel::warn);
    telemetry->log(LogLevel::info, "", "quiet");
    EXPECT_EQ(lines(), 0U);
    telemetry->set_level(LogLevel::info);
    telemetry->log(LogLevel::info, "", "loud");
    EXPECT_EQ(lines(), 1U);
}

TEST_F(ObserverTest, a_repeated_error_is_logged_once_per_interval_with_a_count) {
    const auto telemetry = make(LogFormat::json);
    const Error error(errors::kKafkaUnreachable, "k:9092 refused");
    for (int i = 0; i < 5; ++i) {
        telemetry->error("plant", error);
    }
    EXPECT_EQ(lines(), 1U);
    telemetry->error("erp", error);                                             // another pipeline
    telemetry->error("plant", Error(errors::kKafkaUnreachable, "k2 refused"));  // another text
    EXPECT_EQ(lines(), 3U);
    clock_.at = 29;
    telemetry->error("plant", error);
    EXPECT_EQ(lines(), 3U);
    out_.str("");
    clock_.at = 30;
    telemetry->error("plant", error);
    const auto object = nlohmann::json::parse(out_.str());
    EXPECT_EQ(object.at("left_out"), "5");
    EXPECT_EQ(object.at("error"), "kafka_unreachable");
    EXPECT_EQ(object.at("level"), "warn");
}

TEST_F(ObserverTest, a_definite_error_is_logged_as_error_with_what_to_do_next) {
    make(LogFormat::json)->error("plant", Error(errors::kSlotLost, "slot s"));
    const auto object = nlohmann::json::parse(out_.str());
    EXPECT_EQ(object.at("level"), "error");
    EXPECT_EQ(object.at("next"), errors::kSlotLost.next);
}

TEST_F(ObserverTest, numbers_are_kept_per_pipeline) {
    const auto telemetry = make(LogFormat::text);
    telemetry->add(Counter::entries_taken_in, "plant", 2);
    telemetry->add(Counter::entries_taken_in, "plant", 3);
    telemetry->add(Counter::entries_taken_in, "erp", 7);
    telemetry->set(Gauge::parked, "erp", 1);
    telemetry->set(Gauge::log_bytes, "", 4096);
    const std::string text = telemetry->render();
    for (const char* line : {"tributary_entries_taken_in_total{pipeline=\"plant\"} 5\n",
                             "tributary_entries_taken_in_total{pipeline=\"erp\"} 7\n",
                             "tributary_records_delivered_total{pipeline=\"erp\"} 0\n",
                             "# TYPE tributary_entries_taken_in_total counter\n",
                             "tributary_parked{pipeline=\"erp\"} 1\n",
                             "tributary_log_bytes 4096\n",
                             "tributary_build_info{version=\"" TRIBUTARY_VERSION "\"} 1\n",
                             "process_resident_memory_bytes "}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
    EXPECT_EQ(text.find("tributary_parked{pipeline=\"plant\"}"), std::string::npos);  // never set
}

TEST_F(ObserverTest, counting_from_several_threads_loses_nothing) {
    const auto telemetry = make(LogFormat::text);
    constexpr int kThreads = 4;
    constexpr int kEach = 20'000;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < kEach; ++j) {
                telemetry->add(Counter::log_appends, "plant", 1);
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_NE(telemetry->render().find("tributary_log_appends_total{pipeline=\"plant\"} 80000\n"),
              std::string::npos);
}

TEST_F(ObserverTest, pipelines_beyond_the_bound_count_for_the_process) {
    const auto telemetry = make(LogFormat::text);
    for (int i = 0; i < 70; ++i) {
        telemetry->add(Counter::log_appends, "p" + std::to_string(i), 1);
    }
    const std::string text = telemetry->render();
    EXPECT_NE(text.find("tributary_log_appends_total{pipeline=\"p63\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("tributary_log_appends_total 6\n"), std::string::npos);
}

TEST(Timestamp, is_rfc_3339_in_utc_also_before_1970) {
    EXPECT_EQ(timestamp(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(timestamp(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(timestamp(951'782'400'000'000), "2000-02-29T00:00:00.000Z");
}

}  // namespace
}  // namespace tributary::telemetry
