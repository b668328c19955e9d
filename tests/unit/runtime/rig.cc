// The rig of rig.h.
#include "rig.h"

#include <algorithm>
#include <utility>

namespace tributary::runtime_test {

Rig::Rig() : log(std::make_unique<MemoryLog>(bell, std::uint8_t{1})) {}

Rig::~Rig() {
    runtime_.reset();
}

void Rig::add(const std::string& name, PipelineOptions options) {
    auto pipeline = std::make_unique<Pipeline>(bell);
    pipeline->options = options;
    pipeline->server.held = [this, name, &cluster = pipeline->cluster] {
        Position held = log->durable_resume(name);
        if (const auto newest = cluster.newest()) {
            held.bytes = std::max(held.bytes, newest->resume.bytes);
        }
        return held;
    };
    pipelines_[name] = std::move(pipeline);
}

void Rig::start() {
    std::vector<runtime::PipelineParts> all;
    for (const auto& [name, pipeline] : pipelines_) {
        runtime::PipelineParts parts;
        parts.name = name;
        auto source =
            std::make_unique<UpstreamSource>(pipeline->server, pipeline->options.rows_per_poll);
        parts.decoder = source->make_decoder();
        parts.source = std::move(source);
        parts.sink = std::make_unique<ClusterSink>(pipeline->cluster);
        parts.encoder = std::make_unique<RowEncoder>();
        parts.ack = pipeline->options.ack;
        parts.cut = pipeline->options.cut;
        parts.poison = pipeline->options.poison;
        parts.dead_letter_topic = "dead";
        parts.delivery_mode = "exactly_once";
        all.push_back(std::move(parts));
    }
    runtime_ = std::make_unique<runtime::Runtime>(
        runtime::RuntimeOptions{.agent_id = "gw",
                                .version = "test",
                                .queue_bytes = queue_bytes,
                                .transaction_bytes = transaction_bytes},
        *log,
        std::move(all),
        clock,
        observer);
    const auto started = runtime_->start();
    ASSERT_TRUE(started) << started.error().message();
}

void Rig::stop(std::chrono::milliseconds budget) {
    runtime_->stop(budget);
}

void Rig::restart() {
    runtime_.reset();
    start();
}

void Rig::replace_log(std::uint8_t id) {
    runtime_.reset();
    log = std::make_unique<MemoryLog>(bell, id);
}

Upstream& Rig::server(const std::string& name) {
    return pipelines_.at(name)->server;
}

Cluster& Rig::kafka(const std::string& name) {
    return pipelines_.at(name)->cluster;
}

PipelineStatus Rig::status(const std::string& name) const {
    for (const PipelineStatus& each : runtime_->status().pipelines) {
        if (each.name == name) {
            return each;
        }
    }
    return {};
}

bool Rig::parked_with(const ErrorKind& kind, const std::string& name) {
    return wait([&] {
        const auto parked = [&](const HalfStatus& half) {
            return half.state == PipelineState::parked && half.error && half.error->is(kind);
        };
        const PipelineStatus now = status(name);
        return parked(now.intake) || parked(now.delivery);
    });
}

void Rig::expect_exactly_once(const std::string& name) {
    Cluster& cluster = kafka(name);
    const std::vector<std::string> rows = server(name).rows();
    EXPECT_TRUE(wait([&] { return cluster.values("events").size() >= rows.size(); }))
        << name << ": " << cluster.values("events").size() << " of " << rows.size() << " rows";
    EXPECT_EQ(cluster.values("events"), rows) << name;
    const std::vector<Checkpoint> chain = cluster.checkpoints();
    for (std::size_t index = 1; index < chain.size(); ++index) {
        const Checkpoint& before = chain[index - 1];
        const Checkpoint& after = chain[index];
        EXPECT_EQ(after.previous_last.value(), before.last.value()) << name;
        if (after.first.value() != 0) {
            EXPECT_EQ(after.first.value(), before.last.value() + 1) << name;
        }
        EXPECT_GE(after.resume.bytes, before.resume.bytes) << name;
        EXPECT_GE(after.done.bytes, before.done.bytes) << name;
    }
}

}  // namespace tributary::runtime_test
