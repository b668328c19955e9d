// Names of the planted bugs (base/planted.h), and choosing one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/planted.h"

namespace tributary::sim {

// In which worlds it is looked for: all of them, or those of one kind of source (plan.h); of what
// is rare, from not far before one that has it.
struct Seeds {
    std::uint64_t first = 1;
    std::uint64_t every = 1;
};
inline constexpr Seeds kMysql{.first = 2, .every = 10};
inline constexpr Seeds kMysqlRows{.first = 492, .every = 1000};
inline constexpr Seeds kMysqlKeyless{.first = 412, .every = 1000};

struct Planted {
    std::string_view name;
    planted::Bug bug;
    Seeds seeds{};
};
inline constexpr std::array kBugs{
    Planted{"ack_before_fsync", planted::Bug::ack_before_fsync},
    Planted{"keepalive_confirmed_early", planted::Bug::keepalive_confirmed_early},
    Planted{"producer_reused_in_doubt", planted::Bug::producer_reused_in_doubt},
    Planted{"checkpoint_outside_transaction", planted::Bug::checkpoint_outside_transaction},
    Planted{"checkpoint_read_before_fencing", planted::Bug::checkpoint_read_before_fencing},
    Planted{"ordinal_off_by_one", planted::Bug::ordinal_off_by_one},
    Planted{"resume_confused_with_done", planted::Bug::resume_confused_with_done},
    Planted{"block_checksum_ignored", planted::Bug::block_checksum_ignored},
    Planted{"trim_past_floor", planted::Bug::trim_past_floor},
    Planted{"old_log_merged", planted::Bug::old_log_merged},
    Planted{"puback_before_fsync", planted::Bug::puback_before_fsync},
    Planted{"redelivery_taken_again", planted::Bug::redelivery_taken_again},
    Planted{"plain_watermark", planted::Bug::plain_watermark},
    Planted{"chunk_before_its_place", planted::Bug::chunk_before_its_place},
    Planted{"open_transactions_forgotten", planted::Bug::open_transactions_forgotten},
    Planted{"snapshot_progress_apart", planted::Bug::snapshot_progress_apart},
    Planted{"xa_rows_of_before_lost", planted::Bug::xa_rows_of_before_lost, kMysql},
    Planted{"last_not_compared", planted::Bug::last_not_compared, kMysql},
    Planted{"gtid_done_at_begin", planted::Bug::gtid_done_at_begin, kMysql},
    Planted{"half_row_again", planted::Bug::half_row_again, kMysql},
    Planted{"payload_ends_where_it_begins", planted::Bug::payload_ends_where_it_begins, kMysql},
    Planted{"tag_forgotten", planted::Bug::tag_forgotten, kMysql},
    Planted{"ddl_ordinal_of_selected", planted::Bug::ddl_ordinal_of_selected, kMysql},
    Planted{"last_missing_unnoticed", planted::Bug::last_missing_unnoticed, {5'087'002, 10}},
    Planted{"file_end_not_looked_at", planted::Bug::file_end_not_looked_at, {30'002, 10}},
    Planted{"mysql_plain_watermark", planted::Bug::mysql_plain_watermark, kMysql},
    Planted{"mysql_chunk_before_its_place", planted::Bug::mysql_chunk_before_its_place, kMysql},
    Planted{"dropped_table_appended", planted::Bug::dropped_table_appended, kMysqlRows},
    Planted{"keyless_rows_forgotten", planted::Bug::keyless_rows_forgotten, kMysqlKeyless},
};

// False: there is no such bug, or this build has none.
inline bool plant([[maybe_unused]] std::string_view name) {
#ifdef TRIBUTARY_PLANTED_BUGS
    for (const Planted& each : kBugs) {
        if (each.name == name) {
            planted::chosen = each.bug;
            return true;
        }
    }
#endif
    return false;
}

}  // namespace tributary::sim
