#include "telemetry/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace tributary::telemetry {

namespace {

struct Name {
    std::string_view name;
    std::string_view help;
};

Name name_of(Counter counter) {
    switch (counter) {
        case Counter::entries_taken_in:
            return {"entries_taken_in", "Entries read from the source."};
        case Counter::bytes_taken_in:
            return {"bytes_taken_in", "Bytes of entries read from the source."};
        case Counter::log_appends:
            return {"log_appends", "Group commits of the local log."};
        case Counter::log_bytes_appended:
            return {"log_bytes_appended", "Bytes of blocks appended to the local log."};
        case Counter::log_reopens:
            return {"log_reopens", "Times the local log was reopened after a failed write."};
        case Counter::records_delivered:
            return {"records_delivered", "Records in committed Kafka transactions."};
        case Counter::bytes_delivered:
            return {"bytes_delivered", "Bytes of records in committed Kafka transactions."};
        case Counter::transactions_committed:
            return {"transactions_committed", "Kafka transactions committed."};
        case Counter::transactions_recovered:
            return {"transactions_recovered",
                    "Times the producer was replaced and the checkpoint read back."};
        case Counter::dead_letters:
            return {"dead_letters", "Records set aside as undeliverable."};
        case Counter::entries_dropped:
            return {"entries_dropped", "Entries that an operator gave up before their delivery."};
        case Counter::source_reconnects:
            return {"source_reconnects", "Times the source was opened again."};
        case Counter::source_gaps:
            return {"source_gaps", "Times the source said that events may be missing."};
        case Counter::redeliveries_suppressed:
            return {"redeliveries_suppressed",
                    "Messages that were sent again and were in the log already."};
        case Counter::messages_expired:
            return {"messages_expired",
                    "Messages that a route with `expired: drop` left out; counted again when a "
                    "transaction is repeated."};
        case Counter::sink_errors:
            return {"sink_errors", "Errors of the Kafka side."};
    }
    TRIBUTARY_ASSERT(false);
}

Name name_of(Gauge gauge) {
    switch (gauge) {
        case Gauge::durable_sequence:
            return {"durable_sequence", "Last sequence that is fsynced."};
        case Gauge::delivered_sequence:
            return {"delivered_sequence", "Last sequence that is committed in Kafka."};
        case Gauge::appended_sequence:
            return {"appended_sequence", "Last sequence that was appended."};
        case Gauge::source_held_bytes:
            return {"source_held_bytes", "Bytes the source keeps because we have not confirmed."};
        case Gauge::source_connected:
            return {"source_connected", "1 while the source is connected."};
        case Gauge::sink_connected:
            return {"sink_connected",
                    "1 while Kafka answers; 0 from an error of it until it was reached again, and "
                    "while a transaction has waited for ten seconds without any answer."};
        case Gauge::ack_buffered:
            return {"ack_buffered", "1 while what is durable, not delivered, is confirmed."};
        case Gauge::intake_paused:
            return {"intake_paused", "1 while reading is paused because the log is full."};
        case Gauge::parked:
            return {"parked", "1 while the pipeline is parked by an error."};
        case Gauge::log_bytes:
            return {"log_bytes", "Bytes of the local log, approximately."};
        case Gauge::free_disk_bytes:
            return {"free_disk_bytes", "Free bytes of the file system of the local log."};
        case Gauge::disk_seconds_left:
            return {"disk_seconds_left",
                    "How long the disk takes what comes, if none of it could be delivered."};
        case Gauge::lag_seconds:
            return {"lag_seconds",
                    "For how long Kafka may lack what the source has: how long the oldest event "
                    "that waits has waited, or how long ago the source was last read (a full log "
                    "and a source that does not answer count), whichever is more."};
        case Gauge::disk_written_bytes:
            return {"disk_written_bytes", "Bytes this process wrote to disks since its start."};
        case Gauge::write_budget_bytes:
            return {"write_budget_bytes", "Bytes it may write in 24 hours; 0: no bound."};
        case Gauge::last_delivered_time_us:
            return {"last_delivered_time_us", "Commit time of the newest entry in Kafka."};
        case Gauge::snapshot_running:
            return {"snapshot_running", "1 while rows of a snapshot are still to be taken."};
        case Gauge::snapshot_completed:
            return {"snapshot_completed", "1 when the last snapshot is over."};
        case Gauge::snapshot_total_table_count:
            return {"snapshot_total_table_count", "Tables of the snapshot."};
        case Gauge::snapshot_remaining_table_count:
            return {"snapshot_remaining_table_count", "Tables of the snapshot that are not done."};
        case Gauge::snapshot_rows_scanned:
            return {"snapshot_rows_scanned", "Rows that the snapshot has dealt with."};
        case Gauge::snapshot_duration_in_seconds:
            return {"snapshot_duration_in_seconds",
                    "How long the snapshot has taken, or took, in this process."};
    }
    TRIBUTARY_ASSERT(false);
}

prometheus::MetricFamily family_of(std::string name,
                                   std::string_view help,
                                   prometheus::MetricType type) {
    prometheus::MetricFamily family;
    family.name = std::move(name);
    family.help = help;
    family.type = type;
    return family;
}

prometheus::ClientMetric labelled(const std::string& pipeline) {
    prometheus::ClientMetric metric;
    if (!pipeline.empty()) {
        metric.label.push_back({"pipeline", pipeline});
    }
    return metric;
}

prometheus::MetricFamily process_gauge(std::string name, std::string_view help, double value) {
    auto family = family_of(std::move(name), help, prometheus::MetricType::Gauge);
    prometheus::ClientMetric metric;
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
    return family;
}

// proc(5), statm: the second number is the resident pages.
double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    double total = 0;
    double resident = 0;
    in >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
         at.increment(error)) {
        ++count;
    }
    return count;
}

void add_process(std::vector<prometheus::MetricFamily>& families, std::int64_t start_time_us) {
    families.push_back(process_gauge(
        "process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes()));
    families.push_back(
        process_gauge("process_open_fds", "Number of open file descriptors.", open_files()));
    families.push_back(process_gauge("process_start_time_seconds",
                                     "Start time of the process since the Unix epoch in seconds.",
                                     static_cast<double>(start_time_us) / 1e6));
    auto build = process_gauge("tributary_build_info", "The version that runs; always 1.", 1);
    build.metric[0].label.push_back({"version", TRIBUTARY_VERSION});
    families.push_back(std::move(build));
}

}  // namespace

Metrics::Metrics(std::int64_t start_time_us) : start_time_us_(start_time_us) {
    static_cast<void>(add_row({}));
}

Metrics::Row& Metrics::row(std::string_view pipeline) {
    const std::size_t count = count_.load(std::memory_order_acquire);
    for (std::size_t index = 0; index < count; ++index) {
        if (rows_[index]->pipeline == pipeline) {
            return *rows_[index];
        }
    }
    return add_row(pipeline);
}

Metrics::Row& Metrics::add_row(std::string_view pipeline) {
    const std::lock_guard lock(adding_);
    const std::size_t count = count_.load(std::memory_order_relaxed);
    for (std::size_t index = 0; index < count; ++index) {
        if (rows_[index]->pipeline == pipeline) {  // another thread was first
            return *rows_[index];
        }
    }
    if (count == kRowsMax) {
        return *rows_.front();
    }
    auto row = std::make_unique<Row>();
    row->pipeline = pipeline;
    for (auto& gauge : row->gauges) {
        gauge.store(kUnset, std::memory_order_relaxed);
    }
    rows_[count] = std::move(row);
    count_.store(count + 1, std::memory_order_release);
    return *rows_[count];
}

void Metrics::add(Counter counter, std::string_view pipeline, std::uint64_t amount) {
    row(pipeline).counters[static_cast<std::size_t>(counter)].fetch_add(amount,
                                                                        std::memory_order_relaxed);
}

void Metrics::set(Gauge gauge, std::string_view pipeline, std::int64_t value) {
    row(pipeline).gauges[static_cast<std::size_t>(gauge)].store(value, std::memory_order_relaxed);
}

std::string Metrics::render() const {
    std::vector<prometheus::MetricFamily> families;
    const std::span rows(rows_.data(), count_.load(std::memory_order_acquire));
    for (std::size_t index = 0; index < kCounters; ++index) {
        const Name name = name_of(static_cast<Counter>(index));
        auto family = family_of("tributary_" + std::string(name.name) + "_total",
                                name.help,
                                prometheus::MetricType::Counter);
        for (const auto& held : rows) {
            const Row& row = *held;
            const auto value = row.counters[index].load(std::memory_order_relaxed);
            if (value == 0 && row.pipeline.empty()) {
                continue;  // most numbers belong to a pipeline
            }
            auto metric = labelled(row.pipeline);
            metric.counter.value = static_cast<double>(value);
            family.metric.push_back(std::move(metric));
        }
        families.push_back(std::move(family));
    }
    for (std::size_t index = 0; index < kGauges; ++index) {
        const Name name = name_of(static_cast<Gauge>(index));
        auto family = family_of(
            "tributary_" + std::string(name.name), name.help, prometheus::MetricType::Gauge);
        for (const auto& held : rows) {
            const Row& row = *held;
            const auto value = row.gauges[index].load(std::memory_order_relaxed);
            if (value == kUnset) {
                continue;
            }
            auto metric = labelled(row.pipeline);
            metric.gauge.value = static_cast<double>(value);
            family.metric.push_back(std::move(metric));
        }
        families.push_back(std::move(family));
    }
    add_process(families, start_time_us_);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tributary::telemetry
