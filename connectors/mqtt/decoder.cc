// Hot path (DESIGN 9): a topic is routed once and remembered; what a message needs beyond its own
// bytes stays where the route keeps it, until the next entry.
#include "connectors/mqtt/decoder.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "connectors/mqtt/entry_payload.h"
#include "connectors/mqtt/routes/routes.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

bool lets_through(const std::vector<std::string>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& each) {
        return each == "*" || each == name;
    });
}

class MqttDecoder final : public Decoder {
  public:
    MqttDecoder(Routes routes, DecoderParts parts)
        : routes_(std::move(routes)),
          gaps_topic_(std::move(parts.gaps_topic)),
          pipeline_(std::move(parts.pipeline)),
          clock_(parts.clock),
          observer_(parts.observer) {}

    std::string_view connector_name() const override { return "mqtt"; }
    std::span<const SourceField> source_fields() const override { return {}; }
    void add_schema(SchemaId /*id*/, std::shared_ptr<const TableSchema> /*schema*/) override {}
    bool has_schema(SchemaId /*id*/) const override { return true; }
    void begin_at(Sequence /*sequence*/) override {}
    Result<bool> decode(const Entry& entry, Arena& arena, Change& change) override;

  private:
    // False: the message has expired and its route does not want it.
    Result<bool> route(SensorMessage& message, std::int64_t intake_time_us, Arena& arena);
    [[nodiscard]] bool expired(const SensorMessage& message, std::int64_t intake_time_us) const;
    std::span<const NamedText> keep_headers(const Routed& routed,
                                            const SensorMessage& message,
                                            Arena& arena);

    Routes routes_;
    std::string gaps_topic_;
    std::string pipeline_;
    const Clock& clock_;
    Observer& observer_;
    std::vector<NamedText> users_;
    std::vector<NamedText> scratch_;
};

Result<bool> MqttDecoder::decode(const Entry& entry, Arena& arena, Change& change) {
    switch (entry.kind) {
        case EntryKind::position:
            return false;
        case EntryKind::gap:
            if (gaps_topic_.empty()) {
                return false;
            }
            break;
        case EntryKind::message:
            break;
        case EntryKind::change:
        case EntryKind::transaction_end:
            return Error(errors::kEntryCorrupt, "an entry that no MQTT source writes");
    }
    SensorMessage message;
    if (entry.kind == EntryKind::gap) {
        message.kind = SensorKind::gap;
        message.payload = entry.payload;
        message.kafka_topic = gaps_topic_;
    } else {
        TRIBUTARY_TRY_VOID(parse_message(entry.payload, message, users_));
        message.user_properties = arena.copies(std::span<const NamedText>(users_));
        TRIBUTARY_TRY(wanted, route(message, entry.intake_time_us, arena));
        if (!wanted) {
            observer_.add(Counter::messages_expired, pipeline_, 1);
            return false;
        }
    }
    change = Change{};
    change.operation = Operation::message;
    change.sequence = entry.sequence;
    change.ordinal = entry.ordinal;
    change.intake_time_us = entry.intake_time_us;
    change.source_time_us = entry.intake_time_us;
    change.source_position = entry.context;
    change.sensor = arena.copies(std::span<const SensorMessage>(&message, 1)).data();
    return true;
}

bool MqttDecoder::expired(const SensorMessage& message, std::int64_t intake_time_us) const {
    constexpr std::int64_t kMicroseconds = 1'000'000;
    return message.expiry_s &&
           clock_.wall_time_us() - intake_time_us >= *message.expiry_s * kMicroseconds;
}

Result<bool> MqttDecoder::route(SensorMessage& message, std::int64_t intake_time_us, Arena& arena) {
    const Routed& routed = routes_.find(message.topic, message.client);
    if (!routed.good()) {
        return Error(errors::kValueUndecodable,
                     routed.route == nullptr
                         ? "no route takes its topic"
                         : "route " + routed.route->options.match + ": " + routed.refusal);
    }
    if (routed.route->options.expired == ExpiredChoice::drop && expired(message, intake_time_us)) {
        return false;
    }
    // `routed` is good until the next find(): as long as the entry's change has to be.
    message.kafka_topic = routed.kafka_topic;
    if (routed.key) {
        message.key = *routed.key;
    }
    message.form = routed.route->options.value;
    message.payload_form = routed.route->options.payload;
    scratch_.clear();
    for (const auto& [name, value] : routed.captures) {
        scratch_.push_back({name, value});
    }
    message.captures = arena.copies(std::span<const NamedText>(scratch_));
    message.headers = keep_headers(routed, message, arena);
    return true;
}

std::span<const NamedText> MqttDecoder::keep_headers(const Routed& routed,
                                                     const SensorMessage& message,
                                                     Arena& arena) {
    scratch_.clear();
    for (std::size_t at = 0; at < routed.headers.size(); ++at) {
        scratch_.push_back({routed.route->headers[at].first, routed.headers[at].second});
    }
    for (const NamedText& property : message.user_properties) {
        if (!is_own_header(property.name) &&
            lets_through(routed.route->options.user_properties, property.name)) {
            scratch_.push_back(property);
        }
    }
    return arena.copies(std::span<const NamedText>(scratch_));
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(DecoderParts parts) {
    TRIBUTARY_TRY(compiled, Routes::make(parts.routes));
    return std::unique_ptr<Decoder>(
        std::make_unique<MqttDecoder>(std::move(compiled), std::move(parts)));
}

}  // namespace tributary::mqtt
