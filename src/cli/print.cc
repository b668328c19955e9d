#include "cli/print.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/base64.h"

namespace tributary::cli {
namespace {

const char* mark(Severity severity) {
    switch (severity) {
        case Severity::ok:
            return "ok     ";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "ERROR  ";
    }
    return "";
}

const char* word(Severity severity) {
    switch (severity) {
        case Severity::ok:
            return "ok";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
    }
    return "";
}

// What happened, what is safe, what to do next; nothing without a message.
void print_trouble(const nlohmann::json& at) {
    const std::string text = at.value("message", "");
    if (!text.empty()) {
        (void)std::printf("             %s: %s\n", at.value("error", "").c_str(), text.c_str());
        (void)std::printf("             safe: %s\n", at.value("safe", "").c_str());
        (void)std::printf("             next: %s\n", at.value("next", "").c_str());
    }
}

void print_half(const char* name, const nlohmann::json& half) {
    (void)std::printf("  %-10s %s\n", name, half.value("state", "?").c_str());
    print_trouble(half);
}

std::string mebibytes(std::uint64_t bytes) {
    char text[32];
    (void)std::snprintf(text, sizeof(text), "%.1f MiB", static_cast<double>(bytes) / 1048576.0);
    return text;
}

// "3 d 4 h", "17 min", "12 s": two figures at the most.
std::string duration(std::int64_t seconds) {
    constexpr std::int64_t kMinute = 60;
    constexpr std::int64_t kHour = 60 * kMinute;
    constexpr std::int64_t kDay = 24 * kHour;
    if (seconds >= 365 * kDay) {
        return "over a year";
    }
    if (seconds >= kDay) {
        return std::to_string(seconds / kDay) + " d " + std::to_string(seconds % kDay / kHour) +
               " h";
    }
    if (seconds >= kHour) {
        return std::to_string(seconds / kHour) + " h " + std::to_string(seconds % kHour / kMinute) +
               " min";
    }
    return seconds >= kMinute ? std::to_string(seconds / kMinute) + " min"
                              : std::to_string(seconds) + " s";
}

std::optional<std::int64_t> number_or_null(const nlohmann::json& at, const char* name) {
    const auto found = at.find(name);
    return found != at.end() && found->is_number() ? std::optional(found->get<std::int64_t>())
                                                   : std::nullopt;
}

// Empty: the source keeps nothing until it is confirmed.
std::string held_text(const nlohmann::json& pipeline) {
    const auto held = number_or_null(pipeline, "source_held_bytes");
    return held ? mebibytes(static_cast<std::uint64_t>(*held)) : std::string();
}

// What the agent writes to the disk, and how that compares with what it took in.
void print_disk(const nlohmann::json& status) {
    std::uint64_t taken_in = 0;
    for (const auto& pipeline : status.at("pipelines")) {
        taken_in += pipeline.value("taken_in_bytes", std::uint64_t{0});
    }
    const auto written = status.value("disk_written_bytes", std::uint64_t{0});
    const auto budget = status.value("write_budget_bytes", std::uint64_t{0});
    (void)std::printf(
        "disk: %s free, %s written in the running 24 h",
        mebibytes(status.value("free_disk_bytes", std::uint64_t{0})).c_str(),
        mebibytes(status.value("disk_written_today_bytes", std::uint64_t{0})).c_str());
    if (budget != 0) {
        (void)std::printf(" of a budget of %s", mebibytes(budget).c_str());
    }
    if (taken_in >= 1U << 20U) {  // of less, what an idle agent writes hides the figure
        (void)std::printf("; %.2f bytes written per byte taken in",
                          static_cast<double>(written) / static_cast<double>(taken_in));
    }
    (void)std::printf("\n");
}

// "running, 1 of 3 tables left, 120000 rows, 45000/s, about 2 min 10 s left"; empty: nothing to
// say.
std::string snapshot_line(const nlohmann::json& pipeline) {
    const auto found = pipeline.find("snapshot");
    if (found == pipeline.end() || found->value("state", "none") == "none") {
        return {};
    }
    const auto number = [&](const char* name) {
        return std::to_string(found->value(name, std::uint64_t{0}));
    };
    const std::string state = found->value("state", "");
    if (state != "running") {
        return state + ", " + number("rows") + " rows";
    }
    std::string line = state + ", " + number("tables_left") + " of " + number("tables_total") +
                       " tables left, " + number("rows") + " rows, " + number("rows_per_second") +
                       "/s";
    if (found->at("seconds_left").is_number()) {
        line += ", about " + duration(found->at("seconds_left").get<std::int64_t>()) + " left";
    }
    return line;
}

void print_snapshot_tables(const nlohmann::json& snapshot) {
    for (const auto& table : snapshot.value("tables", nlohmann::json::array())) {
        const std::string estimate =
            table.at("rows_estimate").is_number()
                ? " of about " + std::to_string(table.at("rows_estimate").get<std::uint64_t>())
                : std::string();
        const std::string where = table.value("where", "");
        (void)std::printf("  %-32s %llu%s rows%s%s%s\n",
                          table.value("name", "").c_str(),
                          static_cast<unsigned long long>(table.value("rows", std::uint64_t{0})),
                          estimate.c_str(),
                          table.value("ad_hoc", false) ? ", asked for" : "",
                          where.empty() ? "" : ", where ",
                          where.c_str());
    }
}

void print_pipeline(const nlohmann::json& pipeline, std::uint64_t log_bytes_max) {
    const auto number = [&](const char* name) { return pipeline.value(name, std::uint64_t{0}); };
    const auto text = [&](const char* name) { return pipeline.value(name, std::string()); };
    (void)std::printf("\n%s  (%s)\n", text("name").c_str(), text("source_identity").c_str());
    print_half("intake", pipeline.at("intake"));
    print_half("delivery", pipeline.at("delivery"));
    if (pipeline.at("delivery").value("state", "") == "running" &&
        !pipeline.value("sink_connected", true)) {
        (void)std::printf("             Kafka has answered nothing for ten seconds\n");
    }
    (void)std::printf("  on disk    %llu (%s)\n",
                      static_cast<unsigned long long>(number("durable")),
                      text("durable_position").c_str());
    (void)std::printf("  in Kafka   %llu (%s), %s\n",
                      static_cast<unsigned long long>(number("delivered")),
                      text("delivered_position").c_str(),
                      text("delivery_mode").c_str());
    const auto lag = number_or_null(pipeline, "lag_seconds");
    (void)std::printf("  waiting    %llu events, %s\n",
                      static_cast<unsigned long long>(number("appended") - number("delivered")),
                      !lag ? "lag not known yet" : ("lag " + duration(*lag)).c_str());
    const auto left = number_or_null(pipeline, "disk_seconds_left");
    (void)std::printf(
        "  log        %s of %s; %s\n",
        mebibytes(number("log_bytes")).c_str(),
        mebibytes(log_bytes_max).c_str(),
        !left ? "its rate is not known yet"
              : ("lasts " + duration(*left) + " without Kafka at the present rate").c_str());
    const std::string held = held_text(pipeline);
    (void)std::printf("  confirmed  what is %s%s\n",
                      text("confirming") == "durable" ? "on disk" : "in Kafka",
                      held.empty() ? "" : ("; the server keeps " + held + " for us").c_str());
    if (const std::string line = snapshot_line(pipeline); !line.empty()) {
        (void)std::printf("  snapshot   %s\n", line.c_str());
    }
}

}  // namespace

int print_error(const Error& error) {
    (void)std::fprintf(stderr,
                       "tributary: %s: %s\n  safe: %s\n  next: %s\n",
                       std::string(error.kind().name).c_str(),
                       error.what().c_str(),
                       std::string(error.kind().safe).c_str(),
                       std::string(error.kind().next).c_str());
    return error.kind().exit_code;
}

int print_findings(const std::vector<agent::CheckSection>& sections) {
    int bad = 0;
    for (const auto& section : sections) {
        (void)std::printf("%s\n", section.system.c_str());
        for (const Finding& finding : section.findings) {
            bad += finding.severity == Severity::error ? 1 : 0;
            (void)std::printf("  %s  %s: %s\n",
                              mark(finding.severity),
                              finding.subject.c_str(),
                              finding.what.c_str());
            if (!finding.remedy.empty()) {
                (void)std::printf("           -> %s\n", finding.remedy.c_str());
            }
        }
    }
    (void)std::printf(bad == 0 ? "everything needed is there\n" : "errors: %d\n", bad);
    return bad;
}

int print_findings_json(const std::vector<agent::CheckSection>& sections) {
    int bad = 0;
    nlohmann::json all = nlohmann::json::array();
    for (const auto& section : sections) {
        nlohmann::json findings = nlohmann::json::array();
        for (const Finding& finding : section.findings) {
            bad += finding.severity == Severity::error ? 1 : 0;
            findings.push_back({{"severity", word(finding.severity)},
                                {"subject", finding.subject},
                                {"what", finding.what},
                                {"remedy", finding.remedy}});
        }
        all.push_back({{"system", section.system}, {"findings", std::move(findings)}});
    }
    const nlohmann::json json{{"errors", bad}, {"sections", std::move(all)}};
    (void)std::printf("%s\n",
                      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return bad;
}

void print_streams(const std::vector<StreamInfo>& streams) {
    (void)std::printf("%-20s %8s %12s %12s %12s\n", "source", "stream", "first", "last", "size");
    for (const StreamInfo& stream : streams) {
        (void)std::printf("%-20s %8u %12llu %12llu %12s%s\n",
                          stream.pipeline.c_str(),
                          stream.id.value(),
                          static_cast<unsigned long long>(stream.extent.first.value()),
                          static_cast<unsigned long long>(stream.extent.last.value()),
                          mebibytes(stream.bytes).c_str(),
                          stream.set_aside ? "  set aside" : "");
    }
}

void print_streams(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded() || !json.contains("streams")) {
        (void)std::printf("%s\n", text.c_str());
        return;
    }
    std::vector<StreamInfo> streams;
    for (const auto& each : json.at("streams")) {
        StreamInfo& stream = streams.emplace_back();
        stream.id = StreamId(each.value("stream", std::uint32_t{0}));
        stream.pipeline = each.value("pipeline", "");
        stream.extent.first = Sequence(each.value("first", std::uint64_t{0}));
        stream.extent.last = Sequence(each.value("last", std::uint64_t{0}));
        stream.bytes = each.value("bytes", std::uint64_t{0});
        stream.set_aside = each.value("set_aside", false);
    }
    print_streams(streams);
}

void print_verified(std::uint64_t entries) {
    (void)std::printf("%llu entries read, all as written\n",
                      static_cast<unsigned long long>(entries));
}

void print_verified(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded() || !json.contains("entries")) {
        (void)std::printf("%s\n", text.c_str());
        return;
    }
    print_verified(json.value("entries", std::uint64_t{0}));
}

void print_dead_letters(const std::vector<DeadLetter>& letters) {
    (void)std::printf(
        "%-8s %-16s %12s  %-9s %s\n", "id", "source", "sequence", "replayed", "reason");
    for (const DeadLetter& letter : letters) {
        (void)std::printf("%-8llu %-16s %12llu  %-9s %s\n",
                          static_cast<unsigned long long>(letter.id),
                          letter.pipeline.c_str(),
                          static_cast<unsigned long long>(letter.sequence.value()),
                          letter.replayed ? "yes" : "no",
                          letter.reason.c_str());
    }
}

void print_dead_letter(const DeadLetter& letter) {
    nlohmann::json json{{"id", letter.id},
                        {"source", letter.pipeline},
                        {"sequence", letter.sequence.value()},
                        {"sub_index", letter.sub_index},
                        {"reason", letter.reason},
                        {"topic", letter.topic},
                        {"identity", to_base64(letter.identity)},
                        {"wall_time_us", letter.wall_time_us},
                        {"replayed", letter.replayed},
                        {"key", nullptr},
                        {"value", nullptr}};
    if (letter.key) {
        json["key"] = to_base64(*letter.key);
    }
    if (letter.value) {
        json["value"] = to_base64(*letter.value);
    }
    (void)std::printf("%s\n",
                      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_conversion(const config::Conversion& converted) {
    for (const std::string& note : converted.notes) {
        (void)std::fprintf(stderr, "- %s\n", note.c_str());
    }
    if (converted.position.empty()) {
        (void)std::fprintf(
            stderr,
            "- no offset was given: with --offset Tributary goes on exactly where the "
            "connector stopped\n");
        return;
    }
    (void)std::fprintf(
        stderr,
        "next: stop the connector for good (its offset must not move any more), then\n"
        "  tributary check\n"
        "  tributary reset %s --from '%s'\n"
        "  systemctl start tributary\n",
        converted.source.c_str(),
        converted.position.c_str());
}

void print_status(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded() || !json.contains("pipelines")) {
        (void)std::printf("%s\n", text.c_str());
        return;
    }
    (void)std::printf("agent %s, version %s, log %s\n",
                      json.value("agent_id", "?").c_str(),
                      json.value("version", "?").c_str(),
                      json.value("log_id", "?").c_str());
    print_disk(json);
    if (json.contains("log_error") && json.at("log_error").is_object()) {
        (void)std::printf("the log takes nothing:\n");
        print_trouble(json.at("log_error"));
    }
    for (const auto& pipeline : json.at("pipelines")) {
        print_pipeline(pipeline, json.value("log_bytes_max", std::uint64_t{0}));
    }
}

bool print_snapshots(const std::string& text, const std::string& source, bool raw) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("pipelines")) {
        return false;
    }
    auto all = nlohmann::json::object();
    for (const auto& pipeline : json.at("pipelines")) {
        const std::string name = pipeline.value("name", "");
        if (!pipeline.contains("snapshot") || (!source.empty() && name != source)) {
            continue;
        }
        all[name] = pipeline.at("snapshot");
        if (!raw) {
            const std::string line = snapshot_line(pipeline);
            (void)std::printf("%s: %s\n", name.c_str(), line.empty() ? "none" : line.c_str());
            print_snapshot_tables(all[name]);
        }
    }
    if (raw && (source.empty() || !all.empty())) {
        (void)std::printf(
            "%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    return source.empty() || !all.empty();
}

void print_rates(const std::string& before, const std::string& after, double seconds) {
    const auto old = nlohmann::json::parse(before, nullptr, false);
    const auto now = nlohmann::json::parse(after, nullptr, false);
    if (!old.is_object() || !now.is_object() || !now.contains("pipelines")) {
        return;
    }
    (void)std::printf("%-16s %-9s %-9s %12s %12s %12s %10s\n",
                      "source",
                      "intake",
                      "delivery",
                      "in/s",
                      "to Kafka/s",
                      "waiting",
                      "held");
    for (const auto& pipeline : now.at("pipelines")) {
        const auto number = [](const nlohmann::json& at, const char* name) {
            return static_cast<double>(at.value(name, std::uint64_t{0}));
        };
        nlohmann::json earlier = nlohmann::json::object();
        for (const auto& candidate : old.value("pipelines", nlohmann::json::array())) {
            if (candidate.value("name", "") == pipeline.value("name", "")) {
                earlier = candidate;
            }
        }
        const auto rate = [&](const char* name) {
            return std::max(0.0, (number(pipeline, name) - number(earlier, name)) / seconds);
        };
        (void)std::printf("%-16s %-9s %-9s %12.0f %12.0f %12.0f %10s\n",
                          pipeline.value("name", "").c_str(),
                          pipeline.at("intake").value("state", "?").c_str(),
                          pipeline.at("delivery").value("state", "?").c_str(),
                          rate("appended"),
                          rate("delivered"),
                          number(pipeline, "appended") - number(pipeline, "delivered"),
                          held_text(pipeline).c_str());
        if (pipeline.value("snapshot", nlohmann::json::object()).value("state", "") == "running") {
            (void)std::printf("  snapshot: %s\n", snapshot_line(pipeline).c_str());
        }
    }
}

}  // namespace tributary::cli
