// The bytes that intake puts into the log and the decoder reads back. They outlive the process:
// golden-tested, and changed only with a new context version. Pure; any thread.
//
// Context (one per batch of messages that were read together)
//   byte     version, 1
//   fixed64  run, big-endian            position.h
//   fixed64  number of its first entry, big-endian; an entry's ordinal counts from there
//
// Message (EntryKind::message)
//   byte     kind: 1 message, 2 will
//   byte     flags: bits 0-1 QoS, 2 retain, 3 may be a duplicate
//   sized    topic (alias resolved)
//   sized    client identifier of the device; empty from a broker
//   varint   which properties follow, in this order:
//     bit 0  byte     payload format indicator
//     bit 1  varint   message expiry interval, s
//     bit 2  sized    content type
//     bit 3  sized    response topic
//     bit 4  sized    correlation data
//     bit 5  varint count, then that many pairs of sized: user properties
//   rest     payload
// Gap (EntryKind::gap): UTF-8 text that says why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mqtt/codec/packets.h"
#include "connectors/mqtt/position.h"
#include "model/sensor.h"

namespace tributary::mqtt {

void append_context(std::string& out, const Place& first);
// kEntryCorrupt when it is not as written.
[[nodiscard]] Result<Place> parse_context(std::string_view bytes);

struct StoredMessage {
    SensorKind kind = SensorKind::message;
    std::string_view client;
    bool maybe_duplicate = false;
};

void append_message(std::string& out, const StoredMessage& stored, const Publish& publish);
// Fills what came from the wire; user properties go into `users`, whose life the views share.
// kEntryCorrupt when it is not as written.
[[nodiscard]] Result<void> parse_message(std::string_view payload,
                                         SensorMessage& message,
                                         std::vector<NamedText>& users);

}  // namespace tributary::mqtt
