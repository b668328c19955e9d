// What the verbs print. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "base/error.h"
#include "config/from_debezium.h"
#include "ports/event_log.h"

namespace tributary::cli {

// An error on stderr, in three lines: what happened, what is safe, what to do. Its exit code.
[[nodiscard]] int print_error(const Error& error);

// Findings by section; remedies indented below. The number of errors among them.
[[nodiscard]] int print_findings(const std::vector<agent::CheckSection>& sections);

// The same as one JSON object: {"errors":n,"sections":[{"system":..,"findings":[..]}]}.
[[nodiscard]] int print_findings_json(const std::vector<agent::CheckSection>& sections);

void print_streams(const std::vector<StreamInfo>& streams);
// The same of what GET /v1/buffer answers; another answer is printed as it is.
void print_streams(const std::string& text);
void print_verified(std::uint64_t entries);
// The same of what POST /v1/verify answers; another answer is printed as it is.
void print_verified(const std::string& text);
void print_dead_letters(const std::vector<DeadLetter>& letters);
void print_dead_letter(const DeadLetter& letter);

// What to know about a converted configuration and what to do next, on stderr.
void print_conversion(const config::Conversion& converted);

// The agent's status (JSON of GET /v1/status) for people.
void print_status(const std::string& json);

// Its snapshots, those of `source` only unless that is empty. False: there is no such source.
[[nodiscard]] bool print_snapshots(const std::string& json, const std::string& source, bool raw);

// Two statuses `seconds` apart as a table with rates, for `top`.
void print_rates(const std::string& before, const std::string& after, double seconds);

}  // namespace tributary::cli
