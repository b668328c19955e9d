#include "telemetry/observer.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/assert.h"
#include "telemetry/journal.h"
#include "telemetry/log_line.h"
#include "telemetry/metrics.h"

namespace tributary::telemetry {

namespace {

constexpr std::chrono::seconds kRepeatInterval{30};
constexpr std::size_t kErrorsRememberedMax = 64;

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    TRIBUTARY_ASSERT(false);
}

LogFormat format_for(const LoggingOptions& options) {
    if (options.format != LogFormat::automatic) {
        return options.format;
    }
    if (options.out != nullptr) {
        return LogFormat::json;
    }
    return ::isatty(STDERR_FILENO) == 1 ? LogFormat::text
           : stderr_is_journal()        ? LogFormat::journal
                                        : LogFormat::json;
}

// Says each time an error occurs whether to log it, and how many like it were left out since the
// last.
class RepeatFilter {
  public:
    struct Answer {
        bool log = true;
        std::uint64_t left_out = 0;
    };

    // Any thread.
    Answer ask(std::string key, SteadyTime now) {
        const std::lock_guard lock(mutex_);
        auto found = seen_.find(key);
        if (found == seen_.end()) {
            if (seen_.size() >= kErrorsRememberedMax) {
                forget_oldest();
            }
            seen_.emplace(std::move(key), Seen{now, 0});
            return {};
        }
        Seen& seen = found->second;
        if (now - seen.logged < kRepeatInterval) {
            ++seen.left_out;
            return {.log = false, .left_out = 0};
        }
        seen.logged = now;
        return {.log = true, .left_out = std::exchange(seen.left_out, 0)};
    }

  private:
    struct Seen {
        SteadyTime logged;
        std::uint64_t left_out = 0;
    };

    void forget_oldest() {
        auto oldest = seen_.begin();
        for (auto at = seen_.begin(); at != seen_.end(); ++at) {
            oldest = at->second.logged < oldest->second.logged ? at : oldest;
        }
        seen_.erase(oldest);
    }

    std::mutex mutex_;
    std::map<std::string, Seen> seen_;
};

class SpdlogObserver final : public ProcessObserver {
  public:
    SpdlogObserver(const LoggingOptions& options, const Clock& clock)
        : clock_(clock),
          format_(format_for(options)),
          // The sink is shared by spdlog's own interface.
          logger_("tributary",
                  std::make_shared<spdlog::sinks::ostream_sink_mt>(
                      options.out == nullptr ? std::cerr : *options.out, true)),
          metrics_(clock.wall_time_us()) {
        logger_.set_pattern("%v");
        logger_.set_level(spdlog_level(options.level));
        if (format_ == LogFormat::journal) {
            journal_.emplace(options.journal_socket);
        }
    }

    void log(LogLevel level,
             std::string_view pipeline,
             std::string_view message,
             std::initializer_list<LogField> fields) override {
        write(level, pipeline, message, {fields.begin(), fields.size()});
    }

    void error(std::string_view pipeline, const Error& error) override {
        std::string key(pipeline);
        key += '\0';
        key += error.kind().name;
        key += '\0';
        key += error.what();
        const auto answer = repeats_.ask(std::move(key), clock_.now());
        if (!answer.log) {
            return;
        }
        const std::string left_out = std::to_string(answer.left_out);
        const std::array<LogField, 4> fields{{
            {"error", error.kind().name},
            {"class", to_string(error.kind().error_class)},
            {"next", error.kind().next},
            {"left_out", left_out},
        }};
        const std::size_t count = answer.left_out == 0 ? fields.size() - 1 : fields.size();
        write(error.transient() ? LogLevel::warn : LogLevel::error,
              pipeline,
              error.what(),
              std::span(fields).first(count));
    }

    void add(Counter counter, std::string_view pipeline, std::uint64_t amount) override {
        metrics_.add(counter, pipeline, amount);
    }

    void set(Gauge gauge, std::string_view pipeline, std::int64_t value) override {
        metrics_.set(gauge, pipeline, value);
    }

    [[nodiscard]] std::string render() const override { return metrics_.render(); }

    void set_level(LogLevel level) override { logger_.set_level(spdlog_level(level)); }

  private:
    void write(LogLevel level,
               std::string_view pipeline,
               std::string_view message,
               std::span<const LogField> fields) {
        if (!logger_.should_log(spdlog_level(level))) {
            return;
        }
        const LogLine line{.wall_time_us = clock_.wall_time_us(),
                           .level = level,
                           .pipeline = pipeline,
                           .message = message,
                           .fields = fields};
        if (journal_ && journal_->send(line)) {
            return;
        }
        logger_.log(
            spdlog_level(level),
            spdlog::string_view_t(format_ == LogFormat::text ? to_text(line) : to_json(line)));
    }

    const Clock& clock_;
    LogFormat format_;
    std::optional<Journal> journal_;
    spdlog::logger logger_;
    Metrics metrics_;
    RepeatFilter repeats_;
};

}  // namespace

std::unique_ptr<ProcessObserver> make_observer(const LoggingOptions& options, const Clock& clock) {
    return std::make_unique<SpdlogObserver>(options, clock);
}

}  // namespace tributary::telemetry
