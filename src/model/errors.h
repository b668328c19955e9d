// The error table: every error the agent can name, with its class, exit code and advice.
// docs/errors.md is printed from it and a test reads every row.
#pragma once

#include <span>

#include "base/error.h"

namespace tributary::errors {

// Exit codes. 0 is a clean stop.
inline constexpr int kExitConfig = 10;
inline constexpr int kExitAuth = 11;
inline constexpr int kExitGap = 20;
inline constexpr int kExitDiverged = 21;
inline constexpr int kExitLogRolledBack = 22;
inline constexpr int kExitChainBroken = 23;
inline constexpr int kExitFenced = 30;
inline constexpr int kExitStorage = 40;
inline constexpr int kExitPoison = 50;
inline constexpr int kExitTransient = 75;  // EX_TEMPFAIL: only from one-shot commands
inline constexpr int kExitInternal = 70;   // EX_SOFTWARE

// Configuration and command
extern const ErrorKind kConfigInvalid;
extern const ErrorKind kArgumentInvalid;
extern const ErrorKind kSecretMissing;
extern const ErrorKind kStateDirUnusable;
extern const ErrorKind kStateDirLocked;
extern const ErrorKind kAdminUnavailable;
extern const ErrorKind kAdminDenied;
// Log
extern const ErrorKind kLogTooNew;
extern const ErrorKind kLogForeignHost;
extern const ErrorKind kLogRolledBack;
extern const ErrorKind kLogCorrupt;
extern const ErrorKind kLogIo;
extern const ErrorKind kLogFull;
extern const ErrorKind kEntryCorrupt;
// Databases
extern const ErrorKind kSourceUnreachable;
extern const ErrorKind kSourceAuth;
extern const ErrorKind kSourceTls;
extern const ErrorKind kSourceSettings;
extern const ErrorKind kSourceRights;
extern const ErrorKind kSlotMissing;
extern const ErrorKind kSlotInUse;
extern const ErrorKind kSlotForeign;
extern const ErrorKind kSlotLost;
extern const ErrorKind kSlotLimit;
extern const ErrorKind kPublicationMissing;
extern const ErrorKind kPublicationUnsuitable;
extern const ErrorKind kServerIdInUse;
extern const ErrorKind kServerIdContested;
extern const ErrorKind kSourceGap;
extern const ErrorKind kSourceDiverged;
extern const ErrorKind kSourceRewound;
extern const ErrorKind kProtocolViolation;
extern const ErrorKind kRowTooLarge;
extern const ErrorKind kSchemaMismatch;
extern const ErrorKind kBinlogStatement;
extern const ErrorKind kBinlogIncident;
extern const ErrorKind kBinlogUndone;
extern const ErrorKind kXaRows;
extern const ErrorKind kSnapshotKeyMissing;
extern const ErrorKind kSnapshotRefused;
extern const ErrorKind kSnapshotNotNow;
extern const ErrorKind kValueUndecodable;
// MQTT
extern const ErrorKind kMqttAuth;
extern const ErrorKind kMqttRefused;
extern const ErrorKind kMqttSubscription;
extern const ErrorKind kMqttSessionTaken;
extern const ErrorKind kMqttListen;
// Kafka
extern const ErrorKind kKafkaUnreachable;
extern const ErrorKind kKafkaAuth;
extern const ErrorKind kKafkaTls;
extern const ErrorKind kKafkaDenied;
extern const ErrorKind kKafkaConfig;
extern const ErrorKind kTopicMissing;
extern const ErrorKind kTopicUnsuitable;
extern const ErrorKind kCheckpointTopicUnsuitable;
extern const ErrorKind kCheckpointTooNew;
extern const ErrorKind kCheckpointInvalid;
extern const ErrorKind kChainBroken;
extern const ErrorKind kFenced;
extern const ErrorKind kKafkaClock;
extern const ErrorKind kKafkaTransaction;
extern const ErrorKind kTransactionStuck;
extern const ErrorKind kPoisonRecord;
// Program
extern const ErrorKind kInternal;

// Every row above, in this order.
[[nodiscard]] std::span<const ErrorKind* const> all();

}  // namespace tributary::errors
