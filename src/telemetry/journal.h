// Log lines for systemd's journal as entries with fields of their own, so that `journalctl` can
// choose by them: PRIORITY, TRIBUTARY_PIPELINE, TRIBUTARY_ERROR and what else a line carries.
// systemd, "Native Journal Protocol". Any thread.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "telemetry/log_line.h"

namespace tributary::telemetry {

// The datagram for one line. Pure.
[[nodiscard]] std::string to_journal(const LogLine& line);

// Whether standard error is the journal: $JOURNAL_STREAM, systemd.exec(5).
[[nodiscard]] bool stderr_is_journal();

class Journal {
  public:
    // Without a journal there, nothing is sent.
    explicit Journal(const std::string& socket_path);

    // False when there is no journal. One that is too busy loses the line: nobody waits for it.
    [[nodiscard]] bool send(const LogLine& line) const;

  private:
    UniqueFd fd_;
};

}  // namespace tributary::telemetry
