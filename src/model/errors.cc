#include "model/errors.h"

#include <array>

#include "model/ids.h"

namespace tributary {

std::string to_string(const LogId& id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * id.bytes.size());
    for (const std::uint8_t byte : id.bytes) {
        text.push_back(kDigits[byte >> 4U]);
        text.push_back(kDigits[byte & 0xFU]);
    }
    return text;
}

namespace errors {

const ErrorKind kConfigInvalid{
    "config_invalid",
    ErrorClass::definite,
    kExitConfig,
    "nothing was started or changed.",
    "correct the line named above and start again; `tributary config schema` lists every "
    "key."};

const ErrorKind kArgumentInvalid{"argument_invalid",
                                 ErrorClass::definite,
                                 kExitConfig,
                                 "nothing was started or changed.",
                                 "correct the argument named above; `tributary --help`, and "
                                 "`--help` behind each of its commands, "
                                 "say what there is."};

const ErrorKind kSecretMissing{
    "secret_missing",
    ErrorClass::definite,
    kExitConfig,
    "nothing was started or changed.",
    "make the named file, variable or systemd credential readable by the agent's user."};

const ErrorKind kStateDirUnusable{
    "state_dir_unusable",
    ErrorClass::fatal,
    kExitStorage,
    "nothing was read from a source.",
    "give the agent's user write access to the directory named above."};

const ErrorKind kStateDirLocked{"state_dir_locked",
                                ErrorClass::fatal,
                                kExitFenced,
                                "the process that holds it goes on undisturbed.",
                                "stop the other agent, or give this one a state_dir of its own."};

const ErrorKind kAdminUnavailable{
    "admin_unavailable",
    ErrorClass::definite,
    kExitConfig,
    "the buffer was not touched.",
    "see whether it runs (systemctl status tributary) and, if not, why it ended (journalctl -u "
    "tributary -n 20); and that admin.listen names the socket used here."};

const ErrorKind kAdminDenied{
    "admin_denied",
    ErrorClass::definite,
    kExitAuth,
    "the agent and the buffer were not touched.",
    "use sudo, or let an administrator add this user to the group named above (`sudo usermod -aG "
    "GROUP USER`, then log in again)."};

const ErrorKind kLogTooNew{"log_too_new",
                           ErrorClass::fatal,
                           kExitStorage,
                           "the log was opened for nothing but its version; it is intact.",
                           "install the newer agent again; it alone can read this log."};

const ErrorKind kLogForeignHost{
    "log_foreign",
    ErrorClass::definite,
    kExitDiverged,
    "both the log and Kafka are intact; nothing was delivered.",
    "point state_dir at this agent's own log, or move the foreign one away; the agent "
    "then resumes from Kafka's checkpoint."};

const ErrorKind kLogRolledBack{
    "log_rolled_back",
    ErrorClass::definite,
    kExitLogRolledBack,
    "what Kafka's checkpoint covers is safe in Kafka; the log ends before what was once "
    "fsynced.",
    "check the disk (lost write cache, restored backup); with ack `delivered` move "
    "state_dir/log away and start: the source sends the rest again."};

const ErrorKind kLogCorrupt{
    "log_corrupt",
    ErrorClass::corrupt,
    kExitStorage,
    "what Kafka's checkpoint covers is safe in Kafka; the log is left as it was found.",
    "keep a copy of state_dir/log, move it away and start: the agent resumes from Kafka's"
    " checkpoint as far as the source still holds the changes."};

const ErrorKind kLogIo{
    "log_io",
    ErrorClass::transient,
    kExitStorage,
    "everything confirmed to a source was fsynced before; the rest will be sent again.",
    "check the disk and its free space; the agent reopens the log by itself."};

const ErrorKind kLogFull{
    "log_full",
    ErrorClass::transient,
    kExitStorage,
    "nothing is lost: reading from the source is paused.",
    "free disk space, raise buffer.max_bytes, or restore the uplink; reading goes on by "
    "itself."};

const ErrorKind kEntryCorrupt{"entry_corrupt",
                              ErrorClass::corrupt,
                              kExitStorage,
                              "nothing after the damaged event was delivered.",
                              "run `tributary buffer verify`; check memory and disk of this host."};

const ErrorKind kSourceUnreachable{
    "source_unreachable",
    ErrorClass::transient,
    kExitTransient,
    "nothing is lost: the server keeps the changes (slot, binary log, MQTT session).",
    "check host, port and network; the agent retries by itself."};

const ErrorKind kSourceAuth{
    "source_auth",
    ErrorClass::definite,
    kExitAuth,
    "nothing is lost: the server keeps the changes (slot, binary log).",
    "correct user or password, or what lets the account in, then start again. PostgreSQL: "
    "pg_hba.conf (a line with the database's own name serves both connections: `replication` there "
    "is for physical standbys). MySQL and MariaDB: the host of the account, whether it is locked "
    "or its password has expired, and sslmode, if it has REQUIRE SSL."};

const ErrorKind kSourceTls{"source_tls",
                           ErrorClass::definite,
                           kExitAuth,
                           "nothing was sent over an unprotected connection.",
                           "correct sslmode, sslrootcert or the server's certificate."};

const ErrorKind kSourceSettings{
    "source_settings",
    ErrorClass::definite,
    kExitConfig,
    "nothing was changed on the server.",
    "apply the setting named above on the server, restart it if it says so, and start "
    "again."};

const ErrorKind kSourceRights{"source_rights",
                              ErrorClass::definite,
                              kExitAuth,
                              "nothing was changed on the server.",
                              "run the SQL that `tributary check` prints."};

const ErrorKind kSlotMissing{
    "slot_missing",
    ErrorClass::definite,
    kExitGap,
    "what Kafka's checkpoint covers is safe; changes committed since are in no slot.",
    "if the slot was dropped on purpose: `tributary reset --from now`, and take the "
    "missing rows by a snapshot."};

const ErrorKind kSlotInUse{
    "slot_in_use",
    ErrorClass::transient,
    kExitFenced,
    "the reader that holds the slot goes on undisturbed.",
    "stop the other reader of this slot, or give this source a slot of its own."};

const ErrorKind kSlotForeign{
    "slot_foreign",
    ErrorClass::definite,
    kExitConfig,
    "the slot was not touched.",
    "choose another slot name: this one belongs to another plugin or database."};

const ErrorKind kSlotLost{
    "slot_lost",
    ErrorClass::definite,
    kExitGap,
    "what Kafka's checkpoint covers is safe; the server has removed WAL that the slot "
    "needed.",
    "raise max_slot_wal_keep_size, or idle_replication_slot_timeout where that is named, drop the "
    "slot, then `tributary reset --from now` and take the missing rows by a snapshot."};

const ErrorKind kSlotLimit{
    "slot_limit",
    ErrorClass::definite,
    kExitConfig,
    "nothing was changed on the server.",
    "raise max_replication_slots and max_wal_senders on the server, or drop a slot that "
    "nobody uses."};

const ErrorKind kPublicationMissing{
    "publication_missing",
    ErrorClass::definite,
    kExitConfig,
    "the slot was not moved.",
    "run the CREATE PUBLICATION that `tributary check` prints, or set create_publication: true. If "
    "it is there again: PostgreSQL (before 18) cannot send what was written while it was not, or "
    "anything after that; `tributary reset --from now` goes on behind it, `tributary snapshot "
    "start` takes the rows that were missed."};

const ErrorKind kPublicationUnsuitable{"publication_unsuitable",
                                       ErrorClass::definite,
                                       kExitConfig,
                                       "the slot was not moved.",
                                       "run the ALTER PUBLICATION that `tributary check` prints."};

const ErrorKind kServerIdInUse{
    "server_id_in_use",
    ErrorClass::transient,
    kExitFenced,
    "nothing is lost: what was taken in goes on from its position.",
    "another replica or agent has this server_id: give each its own. The agent retries by itself."};

const ErrorKind kServerIdContested{
    "server_id_contested",
    ErrorClass::definite,
    kExitFenced,
    "nothing is lost: what was taken in goes on from its position.",
    "another replica or agent with this server_id took the stream again and again: give each its "
    "own, then start this one."};

const ErrorKind kSourceGap{
    "source_gap",
    ErrorClass::definite,
    kExitGap,
    "everything up to Kafka's checkpoint is in Kafka; changes after it are gone from the "
    "server (a slot that was moved, a binary log that was purged).",
    "find who did it, or keep binary logs for longer; then `tributary reset --from now` accepts "
    "the gap, and a snapshot fills it."};

const ErrorKind kSourceDiverged{
    "source_diverged",
    ErrorClass::definite,
    kExitDiverged,
    "nothing of this server's history was delivered.",
    "this server is not the one followed so far, or its history differs (failover, "
    "restore): check the address; `tributary reset --from now` accepts it."};

const ErrorKind kSourceRewound{
    "source_rewound",
    ErrorClass::definite,
    kExitDiverged,
    "nothing of this server's history was delivered.",
    "the server is behind what was delivered: it was restored from a backup or is a "
    "clone; `tributary reset --from now` accepts it."};

const ErrorKind kProtocolViolation{
    "protocol_violation",
    ErrorClass::definite,
    kExitInternal,
    "the event was not taken in and not confirmed; the server keeps it.",
    "report the message above with the server's version; an agent that knows this message"
    " may go on from here."};

const ErrorKind kRowTooLarge{"row_too_large",
                             ErrorClass::definite,
                             kExitPoison,
                             "the row was not taken in and not confirmed; the server keeps it.",
                             "raise row_bytes_max, or exclude the column or table named above."};

const ErrorKind kSchemaMismatch{
    "schema_mismatch",
    ErrorClass::definite,
    kExitInternal,
    "the event was not taken in and not confirmed; the server keeps it.",
    "report the message above; `tables.exclude` skips the table meanwhile."};

const ErrorKind kBinlogStatement{
    "binlog_statement",
    ErrorClass::definite,
    kExitGap,
    "everything before this statement was taken in; its changes are in the database only.",
    "set binlog_format=ROW on the server and forbid sessions to change it; then `tributary reset "
    "--from now` accepts the gap, and a snapshot fills it. `tables.exclude` lets a table pass."};

const ErrorKind kBinlogIncident{
    "binlog_incident",
    ErrorClass::definite,
    kExitGap,
    "everything before the incident was taken in; the server could not log what came next.",
    "find the cause in the server's error log; then `tributary reset --from now` accepts the gap, "
    "and a snapshot fills it."};

const ErrorKind kBinlogUndone{
    "binlog_undone",
    ErrorClass::definite,
    kExitDiverged,
    "the rows that were undone are in the log and may be in Kafka.",
    "compare the rows of that transaction in the database with what was delivered; keep "
    "transactional and other engines out of one transaction; then `tributary reset --from` the end "
    "of that transaction, if it is named above, which leaves nothing else out, or `now`."};

const ErrorKind kXaRows{
    "xa_rows",
    ErrorClass::definite,
    kExitGap,
    "everything that was committed before was taken in; rows of prepared XA transactions wait.",
    "see `XA RECOVER` on the server: finish what was forgotten there, or raise xa_bytes_max; rows "
    "that were logged before this pipeline began need a snapshot after `tributary reset --from "
    "now`."};

const ErrorKind kSnapshotKeyMissing{
    "snapshot_key_missing",
    ErrorClass::definite,
    kExitConfig,
    "the rows that the table had before are not delivered; changes are kept by the server.",
    "give the table a primary key, raise snapshot.keyless_max, leave it out by `tables.exclude`, "
    "or "
    "set `snapshot.mode: no_data` for this source."};

const ErrorKind kSnapshotRefused{
    "snapshot_refused",
    ErrorClass::definite,
    kExitConfig,
    "nothing was started or stopped; the stream goes on.",
    "name a table that this source follows, as `schema.table`; `tributary snapshot status` shows "
    "what is under way."};

const ErrorKind kSnapshotNotNow{
    "snapshot_not_now",
    ErrorClass::transient,
    kExitTransient,
    "nothing was started or stopped, unless the message says so; the stream goes on.",
    "see `tributary status`: the source must be connected and the log must have room; then try "
    "again."};

const ErrorKind kValueUndecodable{
    "value_undecodable",
    ErrorClass::definite,
    kExitPoison,
    "the bytes are kept in the log, or by the server that could not send them.",
    "set poison: dead_letter to go on without this event, or exclude the column named "
    "above. What PostgreSQL itself fails at (a row filter): mend that there; "
    "`tributary reset --from` an LSN behind its transaction leaves that out."};

const ErrorKind kMqttAuth{
    "mqtt_auth",
    ErrorClass::transient,
    kExitAuth,
    "what was not acknowledged stays with the broker, as far as its queue limits allow.",
    "correct user, password, certificate or the account on the broker; the agent retries by "
    "itself."};

const ErrorKind kMqttRefused{
    "mqtt_refused",
    ErrorClass::definite,
    kExitConfig,
    "what was not acknowledged stays with the broker, as far as its queue limits allow.",
    "correct the setting that the broker names above, on either side, then start again."};

const ErrorKind kMqttSubscription{
    "mqtt_subscription",
    ErrorClass::definite,
    kExitConfig,
    "what was not acknowledged stays with the broker, as far as its queue limits allow.",
    "grant the filter named above to this client on the broker, or lower the route's qos to "
    "what the broker grants."};

const ErrorKind kMqttSessionTaken{
    "mqtt_session_taken",
    ErrorClass::transient,
    kExitFenced,
    "the other client of this name has the session; what it acknowledges does not come here.",
    "two clients use one client_id at this broker: give each its own."};

const ErrorKind kMqttListen{
    "mqtt_listen",
    ErrorClass::transient,
    kExitConfig,
    "devices cannot reach the agent and keep what they have.",
    "free the address named above, or correct listener.addresses; the agent retries by itself."};

const ErrorKind kKafkaUnreachable{
    "kafka_unreachable",
    ErrorClass::transient,
    kExitTransient,
    "events are kept in the local log.",
    "check bootstrap_servers and the uplink; the agent retries by itself."};

const ErrorKind kKafkaAuth{
    "kafka_auth",
    ErrorClass::transient,
    kExitAuth,
    "events are kept in the local log.",
    "correct the account on the brokers: the agent retries by itself; or correct the sasl.* "
    "properties and restart it: a password is read from its file at the start only."};

const ErrorKind kKafkaTls{
    "kafka_tls",
    ErrorClass::transient,
    kExitAuth,
    "events are kept in the local log.",
    "correct the brokers' certificates, or renew the files that ssl.* names: each try reads them "
    "again; another ssl.* property needs a restart."};

const ErrorKind kKafkaDenied{
    "kafka_denied",
    ErrorClass::transient,
    kExitAuth,
    "events are kept in the local log.",
    "grant the right named above (transactional id: Write, Describe; topics: Write, "
    "Describe, and Create where the agent makes them; checkpoint topic: Read and DescribeConfigs "
    "too); the agent retries by itself."};

const ErrorKind kKafkaConfig{"kafka_config",
                             ErrorClass::definite,
                             kExitConfig,
                             "nothing was sent.",
                             "remove or correct the property named above under kafka.properties."};

const ErrorKind kTopicMissing{
    "topic_missing",
    ErrorClass::transient,
    kExitConfig,
    "events are kept in the local log.",
    "create the topic named above, or set kafka.topics.create: true; if its creation was refused, "
    "mend what is named; the agent retries by itself."};

const ErrorKind kTopicUnsuitable{
    "topic_unsuitable",
    ErrorClass::definite,
    kExitConfig,
    "events are kept in the local log.",
    "correct the topic's settings as named above, or leave one of two tables out "
    "whose topics' names collide, then start again."};

const ErrorKind kCheckpointTopicUnsuitable{
    "checkpoint_topic_unsuitable",
    ErrorClass::definite,
    kExitConfig,
    "events are kept in the local log; nothing was delivered.",
    "set cleanup.policy=compact on the topic named above; it must have one partition."};

const ErrorKind kCheckpointTooNew{
    "checkpoint_too_new",
    ErrorClass::definite,
    kExitConfig,
    "events are kept in the local log; nothing was delivered.",
    "a newer agent wrote this checkpoint: install that version again."};

const ErrorKind kCheckpointInvalid{
    "checkpoint_invalid",
    ErrorClass::definite,
    kExitChainBroken,
    "events are kept in the local log; nothing was delivered.",
    "somebody else wrote to the checkpoint topic: check its ACLs; its last valid record "
    "can be produced again."};

const ErrorKind kChainBroken{
    "chain_broken",
    ErrorClass::definite,
    kExitChainBroken,
    "events are kept in the local log; nothing was delivered after the break.",
    "Kafka lost acknowledged transactions or another writer used this pipeline's id: "
    "compare the numbers above with the topics; `tributary reset SOURCE --from POSITION|now` "
    "accepts what is there, and leaves nothing out from the position that is named above, if one "
    "is."};

const ErrorKind kFenced{"fenced",
                        ErrorClass::definite,
                        kExitFenced,
                        "the other agent's deliveries are intact; nothing of ours was mixed in.",
                        "two agents run with one agent.id and pipeline name: stop one of them."};

const ErrorKind kKafkaClock{
    "kafka_clock",
    ErrorClass::transient,
    kExitTransient,
    "events are kept in the local log.",
    "set this host's clock: its time is further from the broker's than "
    "message.timestamp.after.max.ms "
    "or message.timestamp.before.max.ms allow; the agent retries by itself."};

const ErrorKind kKafkaTransaction{
    "kafka_transaction",
    ErrorClass::transient,
    kExitTransient,
    "the transaction's outcome is read back from Kafka before anything is sent again.",
    "nothing, unless it repeats: then read the brokers' logs."};

const ErrorKind kTransactionStuck{
    "kafka_transaction_stuck",
    ErrorClass::transient,
    kExitTransient,
    "events are kept in the local log; nothing is sent before the checkpoint can be read.",
    "if it stays: the brokers lost a transaction's end marker or a foreign producer left one open;"
    " look with `kafka-transactions.sh find-hanging`, read docs/guarantees.md before you abort "
    "any."};

const ErrorKind kPoisonRecord{
    "poison_record",
    ErrorClass::definite,
    kExitPoison,
    "nothing after the record was delivered; its bytes are in the log.",
    "mend what the reason names: a size by message.max.bytes (in kafka.properties where that is "
    "named, else on topic and brokers), a missing key by tables.key_columns or "
    "cleanup.policy=delete; or set poison: dead_letter."};

const ErrorKind kInternal{"internal",
                          ErrorClass::fatal,
                          kExitInternal,
                          "everything confirmed to a source is in the log or in Kafka.",
                          "report the message above; a restart resumes exactly."};

namespace {
constexpr std::array kAll{
    &kConfigInvalid,
    &kArgumentInvalid,
    &kSecretMissing,
    &kStateDirUnusable,
    &kStateDirLocked,
    &kAdminUnavailable,
    &kAdminDenied,
    &kLogTooNew,
    &kLogForeignHost,
    &kLogRolledBack,
    &kLogCorrupt,
    &kLogIo,
    &kLogFull,
    &kEntryCorrupt,
    &kSourceUnreachable,
    &kSourceAuth,
    &kSourceTls,
    &kSourceSettings,
    &kSourceRights,
    &kSlotMissing,
    &kSlotInUse,
    &kSlotForeign,
    &kSlotLost,
    &kSlotLimit,
    &kPublicationMissing,
    &kPublicationUnsuitable,
    &kServerIdInUse,
    &kServerIdContested,
    &kSourceGap,
    &kSourceDiverged,
    &kSourceRewound,
    &kProtocolViolation,
    &kRowTooLarge,
    &kSchemaMismatch,
    &kBinlogStatement,
    &kBinlogIncident,
    &kBinlogUndone,
    &kXaRows,
    &kSnapshotKeyMissing,
    &kSnapshotRefused,
    &kSnapshotNotNow,
    &kValueUndecodable,
    &kMqttAuth,
    &kMqttRefused,
    &kMqttSubscription,
    &kMqttSessionTaken,
    &kMqttListen,
    &kKafkaUnreachable,
    &kKafkaAuth,
    &kKafkaTls,
    &kKafkaDenied,
    &kKafkaConfig,
    &kTopicMissing,
    &kTopicUnsuitable,
    &kCheckpointTopicUnsuitable,
    &kCheckpointTooNew,
    &kCheckpointInvalid,
    &kChainBroken,
    &kFenced,
    &kKafkaClock,
    &kKafkaTransaction,
    &kTransactionStuck,
    &kPoisonRecord,
    &kInternal,
};
}  // namespace

std::span<const ErrorKind* const> all() {
    return kAll;
}

}  // namespace errors
}  // namespace tributary
