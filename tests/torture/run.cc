// See run.h. The order at the end matters: stop the load, heal, drain, stop the agent, settle its
// transactional ids, and only then take high watermarks and read.
#include "tests/torture/run.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "tests/servers/failure.h"
#include "tests/torture/binlog_feed.h"
#include "tests/torture/mqtt_feed.h"
#include "tests/torture/nemesis.h"
#include "tests/torture/postgres_feed.h"
#include "tests/torture/world.h"

namespace tributary::torture {
namespace {

using servers::KafkaProxy;
using servers::KafkaReader;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kDrainLimit{180};
constexpr seconds kDrainLeast{30};  // of each source
constexpr seconds kTrapLimit{3};

std::int16_t api_key(Api api) {
    switch (api) {
        case Api::init_producer_id:
            return KafkaProxy::kInitProducerId;
        case Api::add_partitions:
            return KafkaProxy::kAddPartitionsToTxn;
        case Api::produce:
            return KafkaProxy::kProduce;
        case Api::end_txn:
            return KafkaProxy::kEndTxn;
    }
    return -1;
}

class Run {
  public:
    explicit Run(const RunOptions& options)
        : options_(options), world_(options.agent, options.disk_shim, options.kafka) {
        for (const std::string& source : options.sources) {
            feeds_.push_back(make_feed(source));
        }
    }

    int run() {
        const auto begin = steady_clock::now();
        std::cout << "torture: seed " << options_.seed << ", " << options_.faults
                  << " faults, Kafka " << options_.kafka << ", folder " << world_.folder().string()
                  << std::endl;
        world_.configure(feeds_);
        world_.start_agent();
        world_.await_intake(feeds_);
        for (const auto& feed : feeds_) {
            feed->begin();
        }
        strike(draw());
        drain();
        problem(world_.stop_agent());
        for (const auto& feed : feeds_) {
            world_.settle(feed->name());
        }
        const bool good = judge();
        if (good && !options_.keep) {
            ::unsetenv("TRIBUTARY_KEEP");
        }
        std::cout << "torture: " << (good ? "" : "FAILED: ") << summary() << " in "
                  << std::chrono::duration_cast<seconds>(steady_clock::now() - begin).count()
                  << " s" << std::endl;
        return good ? 0 : 1;
    }

  private:
    std::unique_ptr<Feed> make_feed(const std::string& source) {
        const DatabaseFeedOptions options{.folder = world_.folder() / source,
                                          .seed = options_.seed,
                                          .writers = options_.sources.size() == 1 ? 4 : 2};
        if (source == "postgres") {
            return make_postgres_feed(options);
        }
        if (source == "mariadb") {
            return make_binlog_feed(servers::MysqldKind::mariadb, options);
        }
        if (source == "mysql") {
            return make_binlog_feed(servers::MysqldKind::mysql, options);
        }
        if (source == "sensors" || source == "devices") {
            return make_mqtt_feed(
                source == "sensors" ? MqttEnd::subscriber : MqttEnd::listener,
                {.folder = world_.folder() / source, .seed = options_.seed, .devices = 4});
        }
        throw servers::ServerFailure("no source is called " + source);
    }

    void problem(std::string text) {
        if (!text.empty()) {
            std::cout << "torture: PROBLEM: " << text << std::endl;
            problems_.push_back(std::move(text));
        }
    }

    [[nodiscard]] std::vector<Fault> draw() const {
        NemesisOptions options{.seed = options_.seed,
                               .faults = options_.faults,
                               .kill_kafka = options_.kafka == servers::kKafka3,
                               .sources_die = {},
                               .twins = false};
        for (const auto& feed : feeds_) {
            options.sources_die.push_back(feed->can_be_killed());
            options.twins = options.twins || feed->twin_follows();
        }
        return draw_faults(options);
    }

    void strike(const std::vector<Fault>& faults) {
        const auto begin = steady_clock::now();
        for (const Fault& fault : faults) {
            if (options_.limit.count() > 0 && steady_clock::now() - begin >= options_.limit) {
                break;
            }
            std::this_thread::sleep_for(fault.wait);
            // Every fault here is one that the agent promises to survive.
            problem(world_.revive_agent());
            const auto at = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
            faults_done_.push_back(std::to_string(at.count()) + " ms: " + describe(fault));
            strike(fault);
            Struck& struck = struck_[fault.kind];
            ++struck.count;
            struck.spent +=
                std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin) - at;
        }
    }

    void strike(const Fault& fault) {
        Feed& source = *feeds_.at(fault.target);
        const auto pause = [&fault] { std::this_thread::sleep_for(fault.length); };
        switch (fault.kind) {
            case FaultKind::agent_kill:
                world_.agent().kill();
                return world_.start_agent();
            case FaultKind::agent_terminate:
                problem(world_.stop_agent());
                return world_.start_agent();
            case FaultKind::agent_freeze:
            case FaultKind::agent_freeze_long:
                world_.agent().freeze();
                pause();
                return world_.agent().thaw();
            case FaultKind::twin:
                fenced_ += world_.twin(feeds_, fault.length) ? 1 : 0;
                return;
            case FaultKind::call_kill:
                return kill_at_call(fault);
            case FaultKind::sync_error:
                return at_sync(DiskAction::fail, fault);
            case FaultKind::sync_slow:
                return at_sync(DiskAction::delay, fault);
            case FaultKind::disk_full:
                world_.disk().fill();
                pause();
                return world_.disk().free();
            case FaultKind::source_kill:
                source.kill9();
                return source.start();
            case FaultKind::source_restart:
                source.stop();
                return source.start();
            case FaultKind::source_freeze:
                source.freeze();
                pause();
                return source.thaw();
            case FaultKind::source_kick:
                return source.kick();
            case FaultKind::kafka_kill:
                world_.kafka().kill9();
                return world_.kafka().start();
            case FaultKind::kafka_restart:
                world_.kafka().stop();
                return world_.kafka().start();
            case FaultKind::kafka_freeze:
                world_.kafka().freeze();
                pause();
                return world_.kafka().thaw();
            case FaultKind::link_cut:
                world_.proxy().cut();
                pause();
                return world_.proxy().restore();
            case FaultKind::request_held:
            case FaultKind::request_late:
                return hold(fault, KafkaProxy::Side::request);
            case FaultKind::answer_held:
                return hold(fault, KafkaProxy::Side::answer);
            case FaultKind::request_cut:
                return cut_at(fault, KafkaProxy::Side::request);
            case FaultKind::answer_cut:
                return cut_at(fault, KafkaProxy::Side::answer);
        }
    }

    void kill_at_call(const Fault& fault) {
        world_.disk_calls().arm(
            fault.count % 2 == 0 ? DiskAction::kill_before : DiskAction::kill_after, fault.count);
        trapped_ +=
            servers::poll_until(kTrapLimit, [this] { return !world_.agent().running(); }) ? 1 : 0;
        world_.disk_calls().disarm();
        world_.agent().kill();
        world_.start_agent();
    }

    void at_sync(DiskAction action, const Fault& fault) {
        world_.disk_calls().arm(action, fault.count);
        trapped_ +=
            servers::poll_until(kTrapLimit, [this] { return world_.disk_calls().met(); }) ? 1 : 0;
        world_.disk_calls().disarm();
    }

    // Only a producer that starts sends InitProducerId.
    void provoke(Api api) {
        if (api == Api::init_producer_id) {
            world_.agent().kill();
            world_.start_agent();
        }
    }

    void hold(const Fault& fault, KafkaProxy::Side side) {
        KafkaProxy& proxy = world_.proxy();
        proxy.hold(api_key(fault.api), 1, side);
        provoke(fault.api);
        trapped_ += servers::poll_until(kTrapLimit, [&] { return proxy.held() > 0; }) ? 1 : 0;
        if (fault.kind == FaultKind::request_late) {
            world_.agent().kill();
            world_.start_agent();
        }
        std::this_thread::sleep_for(fault.length);
        proxy.release();
    }

    void cut_at(const Fault& fault, KafkaProxy::Side side) {
        KafkaProxy& proxy = world_.proxy();
        const int before = proxy.cuts();
        proxy.cut_at(api_key(fault.api), side);
        provoke(fault.api);
        trapped_ += servers::poll_until(kTrapLimit, [&] { return proxy.cuts() > before; }) ? 1 : 0;
        proxy.release();
    }

    void drain() {
        for (const auto& feed : feeds_) {
            feed->end();
        }
        const auto begin = steady_clock::now();
        for (const auto& feed : feeds_) {
            const auto left = std::max<steady_clock::duration>(
                kDrainLimit - (steady_clock::now() - begin), kDrainLeast);
            if (!servers::poll_until(std::chrono::duration_cast<milliseconds>(left), [&] {
                    problem(world_.revive_agent());
                    return feed->drained(world_.proxy().bootstrap());
                })) {
                problem(feed->name() + " did not drain: " + world_.status() + "\n" +
                        world_.agent_log_tail());
            }
        }
        drain_ms_ = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count();
    }

    bool judge() {
        KafkaReader reader({.bootstrap = world_.proxy().bootstrap(), .limit = seconds(120)});
        for (const auto& feed : feeds_) {
            FeedReport report = feed->judge(reader, options_.plant);
            const Verdict& verdict = report.verdict;
            std::cout << "torture: " << feed->name() << ": " << verdict.rows << " rows, "
                      << verdict.transactions << " transactions, " << verdict.records
                      << " records, " << verdict.checkpoints << " checkpoints, "
                      << report.state_rows << " rows of state, " << report.states_different
                      << " tables differ, " << report.note << '\n';
            for (std::string& text : report.problems) {
                problem(feed->name() + ": " + std::move(text));
            }
            sum_ += verdict;
        }
        if (faults_done_.size() < static_cast<std::size_t>(options_.faults_min)) {
            problem("only " + std::to_string(faults_done_.size()) + " faults");
        }
        std::cout << "torture: drained in " << drain_ms_ << " ms; faults:";
        for (const auto& [kind, struck] : struck_) {
            std::cout << ' ' << to_string(kind) << ' ' << struck.count << " in "
                      << struck.spent.count() << " ms";
        }
        std::cout << "; " << trapped_ << " traps were met, " << fenced_
                  << " twins decided by a fence\n";
        const bool good = sum_.good() && problems_.empty();
        if (!good) {
            describe_failure();
        }
        return good;
    }

    void describe_failure() const {
        std::cout << "torture: FAILED, seed " << options_.seed << ", kept in "
                  << world_.folder().string() << "\nfaults:\n";
        for (const std::string& fault : faults_done_) {
            std::cout << "  " << fault << '\n';
        }
        std::cout << "lost " << sum_.lost << ", twice " << sum_.twice << ", unexpected "
                  << sum_.unexpected << ", partitions out of order " << sum_.out_of_order
                  << ", broken " << sum_.broken << '\n';
        for (const std::string& difference : sum_.differences) {
            std::cout << "  " << difference << '\n';
        }
        for (const std::string& one : problems_) {
            std::cout << "  problem: " << one << '\n';
        }
    }

    [[nodiscard]] std::string summary() const {
        const auto text = [](auto number) { return std::to_string(number); };
        return text(faults_done_.size()) + " faults, " + text(sum_.rows) + " rows, " +
               text(sum_.transactions) + " transactions, " + text(sum_.checkpoints) +
               " checkpoints: " + text(sum_.lost) + " lost, " + text(sum_.twice) + " twice, " +
               (sum_.out_of_order == 0 ? "in order" : "OUT OF ORDER");
    }

    RunOptions options_;
    World world_;
    World::Feeds feeds_;
    struct Struck {
        int count = 0;
        milliseconds spent{0};
    };
    std::map<FaultKind, Struck> struck_;
    std::vector<std::string> faults_done_;
    std::vector<std::string> problems_;
    Verdict sum_;
    std::int64_t drain_ms_ = 0;
    int trapped_ = 0;
    int fenced_ = 0;
};

}  // namespace

int run_torture(const RunOptions& options) {
    ::setenv("TRIBUTARY_KEEP", "1", 1);  // until the run is known to be good
    return std::make_unique<Run>(options)->run();
}

}  // namespace tributary::torture
