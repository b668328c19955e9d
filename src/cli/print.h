// What the verbs print. One thread.
#pragma once

#include <string>
#include <vector>

#include "agent/agent.h"
#include "base/error.h"
#include "ports/event_log.h"

namespace tributary::cli {

// An error on stderr, in three lines: what happened, what is safe, what to do. Its exit code.
[[nodiscard]] int print_error(const Error& error);

// Findings by section; remedies indented below. The number of errors among them.
[[nodiscard]] int print_findings(const std::vector<agent::CheckSection>& sections);

void print_streams(const std::vector<StreamInfo>& streams);
void print_dead_letters(const std::vector<DeadLetter>& letters);
void print_dead_letter(const DeadLetter& letter);

// The agent's status (JSON of GET /v1/status) for people.
void print_status(const std::string& json);

}  // namespace tributary::cli
