// Names of the planted bugs (base/planted.h), and choosing one.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "base/planted.h"

namespace tributary::sim {

inline constexpr std::array kBugs{
    std::pair{std::string_view("ack_before_fsync"), planted::Bug::ack_before_fsync},
    std::pair{std::string_view("keepalive_confirmed_early"),
              planted::Bug::keepalive_confirmed_early},
    std::pair{std::string_view("producer_reused_in_doubt"), planted::Bug::producer_reused_in_doubt},
    std::pair{std::string_view("checkpoint_outside_transaction"),
              planted::Bug::checkpoint_outside_transaction},
    std::pair{std::string_view("checkpoint_read_before_fencing"),
              planted::Bug::checkpoint_read_before_fencing},
    std::pair{std::string_view("ordinal_off_by_one"), planted::Bug::ordinal_off_by_one},
    std::pair{std::string_view("resume_confused_with_done"),
              planted::Bug::resume_confused_with_done},
    std::pair{std::string_view("block_checksum_ignored"), planted::Bug::block_checksum_ignored},
    std::pair{std::string_view("trim_past_floor"), planted::Bug::trim_past_floor},
    std::pair{std::string_view("old_log_merged"), planted::Bug::old_log_merged},
    std::pair{std::string_view("puback_before_fsync"), planted::Bug::puback_before_fsync},
    std::pair{std::string_view("redelivery_taken_again"), planted::Bug::redelivery_taken_again},
    std::pair{std::string_view("plain_watermark"), planted::Bug::plain_watermark},
    std::pair{std::string_view("chunk_before_its_place"), planted::Bug::chunk_before_its_place},
    std::pair{std::string_view("open_transactions_forgotten"),
              planted::Bug::open_transactions_forgotten},
    std::pair{std::string_view("snapshot_progress_apart"), planted::Bug::snapshot_progress_apart},
    std::pair{std::string_view("xa_rows_of_before_lost"), planted::Bug::xa_rows_of_before_lost},
    std::pair{std::string_view("last_not_compared"), planted::Bug::last_not_compared},
    std::pair{std::string_view("gtid_done_at_begin"), planted::Bug::gtid_done_at_begin},
    std::pair{std::string_view("half_row_again"), planted::Bug::half_row_again},
};

// False: there is no such bug, or this build has none.
inline bool plant([[maybe_unused]] std::string_view name) {
#ifdef TRIBUTARY_PLANTED_BUGS
    for (const auto& [known, bug] : kBugs) {
        if (known == name) {
            planted::chosen = bug;
            return true;
        }
    }
#endif
    return false;
}

}  // namespace tributary::sim
