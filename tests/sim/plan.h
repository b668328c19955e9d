// Plan: what will happen in one simulated world, all of it drawn from the seed before it begins:
// how the agent is set up, how much the application writes, how bad the networks are, and which
// faults come when. Each seed has only some kinds of faults (swarm testing: rare combinations come
// up because most others are absent). A plan can be made smaller without changing what is left of
// it, which is how a failing seed is shrunk.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/delivery/cut.h"
#include "core/intake/ack_policy.h"
#include "model/snapshot_mode.h"
#include "tests/sim/sim_kafka.h"
#include "tests/sim/sim_mysql.h"
#include "tests/sim/sim_sink.h"
#include "tests/sim/sim_source.h"

namespace tributary::sim {

enum class Fault : std::uint8_t {
    kill,        // kill -9: the page cache stays
    power_cut,   // what was not fsynced may be gone
    stop,        // a clean stop and a start
    freeze,      // SIGSTOP for a while
    clock_step,  // the wall clock is set
    kafka_down,
    kafka_weather,  // packets to Kafka are lost or late from here on
    coordinator_move,
    id_expires,
    source_down,
    source_crash,  // PostgreSQL: the slot goes back to what was saved; MySQL begins another
                   // file; a broker forgets its sessions
    source_cut,
    source_weather,
    slot_saved,  // MySQL: files that were read are purged
    alter_table,
    table_asked,       // an operator wants a table's rows again
    snapshot_stopped,  // and no more of what is under way
    disk_full,
    disk_dead,     // EIO for a while
    disk_weather,  // single writes and fsyncs fail from here on
    // Grave ones: at most one kind in a world.
    disk_lies,  // fsynced writes are lost in a power cut
    disk_replaced,
    backup_taken,
    backup_restored,
    bit_flip,
    fail_over,
    rewind,
    slot_dropped,
    twin,           // a second agent of the same name while this one is frozen
    tail_lost,      // MySQL forgets its newest transactions in a crash, and uses their GTIDs again
    binlog_purged,  // whether read or not
    binlog_reset,   // RESET MASTER
};
[[nodiscard]] const char* to_text(Fault fault);

// What the agent takes from: of ten seeds one is a broker's, one that of devices, one that of MySQL
// or MariaDB, and one that of a PostgreSQL whose tables hold rows (by their last digit, so that a
// seed stays what it is; by the two before, MySQL's).
enum class SourceKind : std::uint8_t { postgres, mysql, broker, devices };

struct SnapshotPlan {
    SnapshotMode mode = SnapshotMode::initial;
    std::uint32_t chunk_rows = 1;
    std::size_t rows = 0;  // of each table before the agent comes, at most
    bool standby = false;  // the server is one (PostgreSQL)
};

struct Happening {
    std::int64_t at_us = 0;
    Fault fault = Fault::kill;
    std::int64_t for_us = 0;
    std::uint64_t amount = 0;
};

struct Plan {
    std::uint64_t seed = 0;
    SourceKind source = SourceKind::postgres;
    core::AckMode ack = core::AckMode::delivered;
    core::CutLimits cut;
    std::size_t queue_bytes = 0;
    std::size_t records_per_batch = 0;
    std::size_t messages_per_poll = 0;
    std::uint64_t pressure_limit = 0;
    std::uint32_t position_interval_ms = 1000;
    bool excludes_table = true;
    std::optional<SnapshotPlan> snapshots;
    MysqlSetup mysql;
    SimKafka::Options kafka;
    KafkaWeather kafka_weather;    // as it becomes with Fault::kafka_weather
    SourceWeather source_weather;  // the same
    std::uint64_t disk_write_fails = 0;
    std::uint64_t disk_sync_fails = 0;
    std::size_t transactions = 0;
    std::size_t rows_max = 0;
    std::int64_t lasts_us = 0;  // until everything is healed
    std::vector<Happening> happenings;
};

// `skip`: indexes of happenings that are left out; `transactions_max`: so many at most.
[[nodiscard]] Plan make_plan(std::uint64_t seed,
                             const std::set<std::size_t>& skip = {},
                             std::size_t transactions_max = ~std::size_t{0});

}  // namespace tributary::sim
