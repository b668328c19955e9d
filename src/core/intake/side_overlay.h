// SideOverlay: the side keyspace as intake sees it: what the log holds, under what was written
// since and is still on its way there. One thread, except that the log is read.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/entry.h"
#include "ports/event_log.h"
#include "ports/side.h"

namespace tributary::core {

class SideOverlay final : public SideReader {
  public:
    // `log` must outlive this.
    SideOverlay(EventLog& log, StreamId stream) : log_(log), stream_(stream) {}

    // A write that becomes durable with `sequence`; sequences never fall.
    void write(const SideWrite& write, Sequence sequence);
    // Everything up to `durable` is in the log now.
    void settle(Sequence durable);

    [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override;
    [[nodiscard]] Result<std::vector<SideEntry>> scan(std::string_view prefix,
                                                      std::string_view after,
                                                      std::size_t limit) const override;

  private:
    struct Pending {
        std::optional<std::string> value;
        Sequence sequence;
    };

    EventLog& log_;
    StreamId stream_;
    std::map<std::string, Pending, std::less<>> pending_;
    std::deque<std::pair<Sequence, std::string>> order_;
};

}  // namespace tributary::core
