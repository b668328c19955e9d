#include "tests/torture/world.h"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "admin/client.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka_handle.h"
#include "tests/torture/postgres_feed.h"

namespace tributary::torture {
namespace {

namespace fs = std::filesystem;
using servers::poll_until;
using servers::Process;
using servers::ServerFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kAgentStopLimit{60};
constexpr seconds kIntakeLimit{120};
constexpr seconds kTwinLimit{15};
constexpr int kExitFenced = 30;
constexpr const char* kDiskSize = "size=1g";

std::string text_of(const servers::ExitStatus& status) {
    return "code " + std::to_string(status.code) + " signal " + std::to_string(status.signal);
}

nlohmann::json pipelines(const fs::path& socket) {
    const auto answer = admin::request(socket.string(), "GET", "/v1/status");
    const auto whole =
        answer ? nlohmann::json::parse(answer.value(), nullptr, false) : nlohmann::json();
    return whole.is_object() ? whole.at("pipelines") : nlohmann::json::array();
}

}  // namespace

SmallDisk::SmallDisk(fs::path place) : place_(std::move(place)) {
    fs::create_directories(place_);
    if (::mount("tmpfs", place_.c_str(), "tmpfs", 0, kDiskSize) != 0) {
        throw ServerFailure(std::string("this mounts a file system: run it as root: ") +
                            std::strerror(errno));
    }
}

SmallDisk::~SmallDisk() {
    ::umount2(place_.c_str(), MNT_DETACH);
}

void SmallDisk::fill() {
    for (const std::size_t size : {std::size_t{1} << 20U, std::size_t{4096}}) {
        std::ofstream out(place_ / "filler", std::ios::binary | std::ios::app);
        const std::string chunk(size, 'x');
        while (out.write(chunk.data(), static_cast<std::streamsize>(chunk.size())).flush()) {
        }
    }
}

void SmallDisk::free() {
    fs::remove(place_ / "filler");
}

World::World(fs::path agent, fs::path disk_shim, const std::string& kafka_version)
    : program_(std::move(agent)), disk_shim_(std::move(disk_shim)) {
    proxy_.forward_to(kafka_port_.port());
    kafka_ = std::make_unique<servers::Kafka>(servers::KafkaOptions{
        .directory = folder() / "kafka",
        .version = kafka_version,
        .properties = {{"log.cleaner.enable", "false"},
                       {"transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"}},
        .advertised_port = proxy_.port(),
        .port = kafka_port_.port(),
        .heap = "384m"});
    disk_ = std::make_unique<SmallDisk>(folder() / "disk");
    disk_calls_ = std::make_unique<DiskCalls>(folder() / "disk_calls");
}

fs::path World::file(Who who, const std::string& suffix) const {
    return folder() / ((who == Who::agent ? "agent" : "twin") + suffix);
}

void World::configure(const Feeds& feeds) {
    write_configuration(Who::agent, feeds);
    write_configuration(Who::twin, feeds);
}

void World::write_configuration(Who who, const Feeds& feeds) const {
    std::ofstream out(file(who, ".yaml"));
    out << "agent: {id: torture, state_dir: \""
        << (who == Who::agent ? folder() / "disk" / "agent" : folder() / "twin").string() << "\"}\n"
        << "buffer: {max_bytes: 96MiB, min_free_disk: 16MiB}\n"
        << "logging: {level: info, format: json}\n"
        << "admin: {listen: [\"unix:" << file(who, ".sock").string() << "\"]}\n"
        << "kafka:\n  bootstrap_servers: [\"" << proxy_.bootstrap() << "\"]\n"
        << "  transaction_timeout: 10s\n"
        << "  properties: {socket.timeout.ms: \"3000\"}\n"
        << "sources:\n";
    for (const auto& feed : feeds) {
        if (who == Who::twin && !feed->twin_follows()) {
            continue;
        }
        out << "  - name: " << feed->name() << "\n"
            << "    delivery: {transaction_rows: 60, transaction_bytes: 256KiB, "
               "transaction_age: 5ms}\n";
        for (const std::string& line : feed->configuration()) {
            out << "    " << line << "\n";
        }
    }
}

Process World::spawn(Who who) const {
    std::vector<std::pair<std::string, std::string>> environment{
        {"TORTURE_PASSWORD", kFeedPassword}};
    if (who == Who::agent && !disk_shim_.empty()) {
        environment.emplace_back("LD_PRELOAD", disk_shim_.string());
        environment.emplace_back("DISK_SHIM_FILE", disk_calls_->file().string());
        environment.emplace_back("ASAN_OPTIONS", "verify_asan_link_order=0");
    }
    return Process::spawn(
        {.command = {program_.string(), "--config", file(who, ".yaml").string(), "run"},
         .environment = std::move(environment),
         .output_file = file(who, ".log")});
}

void World::start_agent() {
    agent_ = spawn(Who::agent);
}

void World::await_intake(const Feeds& feeds) {
    if (!poll_until(kIntakeLimit, [&] {
            const auto all = pipelines(file(Who::agent, ".sock"));
            return all.size() == feeds.size() &&
                   std::all_of(all.begin(), all.end(), [](const auto& one) {
                       return one.at("intake").at("state") == "running";
                   });
        })) {
        throw ServerFailure("intake does not run: " + status() + "\n" + agent_log_tail());
    }
}

std::string World::stop_agent() {
    agent_.signal(SIGTERM);
    const auto status = agent_.wait(kAgentStopLimit);
    if (!status) {
        agent_.kill();
        return "the agent did not end within 60 s of SIGTERM";
    }
    // SIGTERM itself ends a process that has not come to its handlers yet.
    return status->clean() || status->signal == SIGTERM
               ? ""
               : "after SIGTERM the agent ended with " + text_of(*status);
}

std::string World::revive_agent() {
    if (agent_.running()) {
        return "";
    }
    const auto status = agent_.wait(milliseconds(0));
    const std::string text = "the agent ended by itself, " +
                             (status ? text_of(*status) : "status unknown") + ": " +
                             agent_log_tail();
    start_agent();
    return text;
}

bool World::has_given_up(Who who, const std::string& pipeline) const {
    const auto all = pipelines(file(who, ".sock"));
    return std::any_of(all.begin(), all.end(), [&](const auto& one) {
        return one.at("name") == pipeline && one.at("delivery").at("state") == "parked" &&
               one.at("delivery").value("error", "") == "fenced";
    });
}

bool World::twin(const Feeds& feeds, milliseconds length) {
    agent_.freeze();
    fs::remove_all(folder() / "twin");
    fs::remove(file(Who::twin, ".log"));
    twin_ = spawn(Who::twin);
    std::this_thread::sleep_for(length);
    agent_.thaw();
    // A process of which every pipeline gave up ends, with the code that says so.
    const auto ended = [](Process& process) {
        if (process.running()) {
            return false;
        }
        const auto status = process.wait(milliseconds(0));
        return status && status->code == kExitFenced;
    };
    const bool decided = poll_until(kTwinLimit, [&] {
        return ended(twin_) || ended(agent_) ||
               std::all_of(feeds.begin(), feeds.end(), [this](const auto& feed) {
                   return !feed->twin_follows() || has_given_up(Who::agent, feed->name()) ||
                          has_given_up(Who::twin, feed->name());
               });
    });
    twin_.kill();
    fs::remove_all(folder() / "twin");
    agent_.kill();
    start_agent();
    return decided;
}

void World::settle(const std::string& pipeline) {
    const auto producer =
        servers::make_client(RD_KAFKA_PRODUCER,
                             {{"bootstrap.servers", proxy_.bootstrap()},
                              {"transactional.id", "tributary.torture." + pipeline}});
    const servers::ErrorHandle error(rd_kafka_init_transactions(producer.get(), 60000));
    if (error) {
        throw ServerFailure(std::string("settle: ") + rd_kafka_error_string(error.get()));
    }
}

std::string World::status() const {
    return pipelines(file(Who::agent, ".sock")).dump();
}

std::string World::agent_log_tail() const {
    return servers::tail_of_file(file(Who::agent, ".log"), 1500);
}

}  // namespace tributary::torture
