// Drawing a plan; see the header.
#include "tests/sim/plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tributary::sim {
namespace {

constexpr std::array kOrdinary{Fault::kill,
                               Fault::power_cut,
                               Fault::stop,
                               Fault::freeze,
                               Fault::clock_step,
                               Fault::kafka_down,
                               Fault::kafka_weather,
                               Fault::coordinator_move,
                               Fault::id_expires,
                               Fault::source_down,
                               Fault::source_crash,
                               Fault::source_cut,
                               Fault::source_weather,
                               Fault::slot_saved,
                               Fault::alter_table,
                               Fault::disk_full,
                               Fault::disk_dead,
                               Fault::disk_weather};
constexpr std::array kGrave{Fault::disk_lies,
                            Fault::disk_replaced,
                            Fault::backup_restored,
                            Fault::bit_flip,
                            Fault::fail_over,
                            Fault::rewind,
                            Fault::slot_dropped,
                            Fault::twin};

constexpr std::array kGraveOfMysql{Fault::disk_lies,
                                   Fault::disk_replaced,
                                   Fault::backup_restored,
                                   Fault::bit_flip,
                                   Fault::fail_over,
                                   Fault::rewind,
                                   Fault::twin,
                                   Fault::tail_lost,
                                   Fault::tail_lost,
                                   Fault::binlog_purged,
                                   Fault::binlog_reset};

// Mostly short, now and then longer than a transaction may last.
std::int64_t duration(Rng& random) {
    if (random.chance(20)) {
        return random.between(55'000'000, 80'000'000);
    }
    return random.chance(200) ? random.between(1'000'000, 8'000'000)
                              : random.between(1'000, 700'000);
}

// PostgreSQL whose tables hold rows; of MySQL's seeds, those of such hundreds.
constexpr std::uint64_t kRowsDigit = 8;
bool holds_rows(std::uint64_t seed, SourceKind source) {
    const std::uint64_t hundreds = seed / 100 % 10;
    return source == SourceKind::mysql ? hundreds == 4 || hundreds == 5 : seed % 10 == kRowsDigit;
}

SourceKind source_of(std::uint64_t seed) {
    switch (seed % 10) {
        case 0:
            return SourceKind::broker;
        case 2:
            return SourceKind::mysql;
        case 7:
            return SourceKind::devices;
        default:
            return SourceKind::postgres;
    }
}

void set_up(Rng& random, Plan& plan) {
    const std::uint64_t mode = random.below(4);
    plan.ack = mode == 0   ? core::AckMode::buffered
               : mode == 1 ? core::AckMode::automatic
                           : core::AckMode::delivered;
    if (plan.source != SourceKind::postgres && plan.ack == core::AckMode::automatic) {
        plan.ack = core::AckMode::buffered;  // only PostgreSQL has `auto`
    }
    plan.cut.rows = std::array<std::uint64_t, 4>{1, 5, 40, 10'000}[random.below(4)];
    plan.cut.bytes = random.coin() ? 2'000 : 6U << 20U;
    plan.cut.age = Ms(random.between(1, 40));
    plan.queue_bytes = std::array<std::size_t, 3>{1'000, 20'000, 3U << 20U}[random.below(3)];
    plan.records_per_batch = 1 + random.below(30);
    plan.messages_per_poll = 1 + random.below(random.coin() ? 6 : 60);
    plan.pressure_limit = 2'000 + random.below(20'000);
    plan.position_interval_ms = static_cast<std::uint32_t>(random.between(100, 2'000));
    plan.excludes_table = random.coin();
    plan.kafka.verify_partitions = random.coin();
    plan.kafka.marker_delay = Us(random.coin() ? 3'000 : 400'000);
    plan.kafka_weather.latency_us = random.coin() ? 500 : 20'000;
    plan.transactions = 3 + random.below(random.chance(150) ? 90 : 30);
    plan.rows_max = random.chance(100) ? 120 : 1 + random.below(9);
    plan.lasts_us = random.between(300'000, 6'000'000);
}

void set_weather(Rng& random, Plan& plan) {
    KafkaWeather& kafka = plan.kafka_weather;
    kafka.request_lost = random.coin() ? 0 : random.below(80);
    kafka.reply_lost = random.coin() ? 0 : random.below(80);
    kafka.late = random.coin() ? 0 : random.below(120);
    kafka.late_us = random.coin() ? 300'000 : 6'000'000;
    kafka.socket_timeout_us = random.coin() ? 60'000 : 400'000;
    SourceWeather& source = plan.source_weather;
    source.cut = random.below(30);
    source.open_fails = random.below(150);
    source.status_lost = random.below(300);
    plan.disk_write_fails = random.below(60);
    plan.disk_sync_fails = random.below(60);
}

void add(Rng& random, Plan& plan, Fault fault, std::uint64_t times) {
    for (; times > 0; --times) {
        plan.happenings.push_back({.at_us = random.between(0, plan.lasts_us),
                                   .fault = fault,
                                   .for_us = duration(random),
                                   .amount = 1 + random.below(5)});
    }
}

bool has_grave(const Plan& plan) {
    const auto among = [&plan](const auto& graves) {
        return std::any_of(
            plan.happenings.begin(), plan.happenings.end(), [&](const Happening& what) {
                return std::find(graves.begin(), graves.end(), what.fault) != graves.end();
            });
    };
    return plan.source == SourceKind::mysql ? among(kGraveOfMysql) : among(kGrave);
}

// All rows, and nothing that an operator asks for.
bool takes_rows_once(const Plan& plan) {
    return plan.snapshots->mode == SnapshotMode::initial &&
           std::none_of(plan.happenings.begin(), plan.happenings.end(), [](const Happening& what) {
               return what.fault == Fault::table_asked || what.fault == Fault::snapshot_stopped;
           });
}

// Of worlds whose tables hold rows, those in which nothing is wanted after these.
bool may_end_with_rows(const Plan& plan) {
    const std::uint64_t tens = plan.seed / 10 % 10;
    const std::uint64_t hundreds = plan.seed / 100 % 10;
    const bool chosen =
        plan.source == SourceKind::mysql ? tens == 3 : hundreds == 2 || hundreds == 7;
    return chosen && takes_rows_once(plan) && !has_grave(plan);
}

void add_snapshots(Rng& random, Plan& plan) {
    const std::uint64_t kind = random.below(10);
    plan.snapshots = {.mode = kind < 7    ? SnapshotMode::initial
                              : kind == 7 ? SnapshotMode::always
                                          : SnapshotMode::no_data,
                      .chunk_rows = std::array<std::uint32_t, 4>{1, 3, 8, 1000}[random.below(4)],
                      .rows = 1 + random.below(30)};
    const bool asked = kind >= 8 || random.chance(300);
    if (asked) {
        add(random, plan, Fault::table_asked, 1 + random.below(2));
    }
    plan.snapshots->standby = random.chance(250);
    if (plan.snapshots->mode == SnapshotMode::initial && !has_grave(plan) && random.chance(250)) {
        const bool mysql = plan.source == SourceKind::mysql;
        plan.snapshots->mode = SnapshotMode::when_needed;
        add(random, plan, mysql ? Fault::binlog_purged : Fault::slot_dropped, 1 + random.below(2));
    }
    if (random.chance(100)) {
        add(random, plan, Fault::snapshot_stopped, 1);
    }
    if (may_end_with_rows(plan)) {
        plan.snapshots->mode = SnapshotMode::initial_only;
    }
}

Fault draw_grave(Rng& random, SourceKind source) {
    return source == SourceKind::mysql ? kGraveOfMysql[random.below(kGraveOfMysql.size())]
                                       : kGrave[random.below(kGrave.size())];
}

// Seeds that end in 52, 72 and 92 have what servers of today may have; the others stay what they
// are.
bool is_of_today(std::uint64_t seed) {
    const std::uint64_t tens = seed / 10 % 10;
    return tens == 5 || tens == 7 || tens == 9;
}

MysqlSetup draw_mysql(Rng& random, const Plan& plan) {
    const bool today = is_of_today(plan.seed);
    MysqlSetup setup{.kind = random.coin() ? mysql::ServerKind::mysql : mysql::ServerKind::mariadb,
                     .by_gtid = random.chance(700),
                     .has_xa = random.coin(),
                     .compresses = today && random.coin(),
                     .has_tags = today && random.coin(),
                     .has_ddl = today && random.coin()};
    if (plan.snapshots) {
        setup.rows = plan.snapshots->rows;
        setup.orders_commits = setup.kind == mysql::ServerKind::mariadb || random.coin();
        setup.partial_images = random.coin();
        setup.has_keyless = plan.seed / 10 % 10 == 1 && takes_rows_once(plan);
    }
    return setup;
}

}  // namespace

const char* to_text(Fault fault) {
    switch (fault) {
        case Fault::kill:
            return "kill";
        case Fault::power_cut:
            return "power cut";
        case Fault::stop:
            return "stop";
        case Fault::freeze:
            return "freeze";
        case Fault::clock_step:
            return "clock is set";
        case Fault::kafka_down:
            return "kafka down";
        case Fault::kafka_weather:
            return "kafka weather";
        case Fault::coordinator_move:
            return "coordinator moves";
        case Fault::id_expires:
            return "transactional id expires";
        case Fault::source_down:
            return "source down";
        case Fault::source_crash:
            return "source crash";
        case Fault::source_cut:
            return "source cut";
        case Fault::source_weather:
            return "source weather";
        case Fault::slot_saved:
            return "slot saved";
        case Fault::alter_table:
            return "alter table";
        case Fault::table_asked:
            return "a table is asked for";
        case Fault::snapshot_stopped:
            return "a snapshot is stopped";
        case Fault::disk_full:
            return "disk full";
        case Fault::disk_dead:
            return "disk dead";
        case Fault::disk_weather:
            return "disk weather";
        case Fault::disk_lies:
            return "disk lies";
        case Fault::disk_replaced:
            return "disk replaced";
        case Fault::backup_taken:
            return "backup taken";
        case Fault::backup_restored:
            return "backup restored";
        case Fault::bit_flip:
            return "bit flip";
        case Fault::fail_over:
            return "fail-over";
        case Fault::rewind:
            return "rewind";
        case Fault::slot_dropped:
            return "slot dropped";
        case Fault::twin:
            return "twin";
        case Fault::tail_lost:
            return "newest transactions lost";
        case Fault::binlog_purged:
            return "binary log purged";
        case Fault::binlog_reset:
            return "binary log reset";
    }
    return "";
}

Plan make_plan(std::uint64_t seed,
               const std::set<std::size_t>& skip,
               std::size_t transactions_max) {
    Rng random(seed);
    Plan plan;
    plan.seed = seed;
    plan.source = source_of(seed);
    set_up(random, plan);
    set_weather(random, plan);
    plan.transactions = std::min(plan.transactions, transactions_max);
    for (const Fault fault : kOrdinary) {
        const bool chosen = random.chance(250);
        const std::uint64_t times = 1 + random.below(3);
        if (chosen) {
            add(random, plan, fault, times);
        }
    }
    if (random.chance(250)) {
        const Fault grave = draw_grave(random, plan.source);
        add(random, plan, grave, 1);
        if (grave == Fault::backup_restored) {
            add(random, plan, Fault::backup_taken, 1);
        }
    }
    if (holds_rows(seed, plan.source)) {
        add_snapshots(random, plan);
    }
    if (plan.source == SourceKind::mysql) {
        plan.mysql = draw_mysql(random, plan);
    }
    std::vector<Happening> kept;
    for (std::size_t at = 0; at < plan.happenings.size(); ++at) {
        if (!skip.contains(at)) {
            kept.push_back(plan.happenings[at]);
        }
    }
    std::stable_sort(kept.begin(), kept.end(), [](const Happening& left, const Happening& right) {
        return left.at_us < right.at_us;
    });
    plan.happenings = std::move(kept);
    return plan;
}

}  // namespace tributary::sim
