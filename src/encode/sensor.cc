// See sensor.h.
#include "encode/sensor.h"

#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "encode/json_text.h"
#include "encode/json_writer.h"
#include "format/record_header.h"
#include "model/errors.h"

namespace tributary::encode {
namespace {

// Of one record; gathered aside, so that the arena holds no room for headers that it does not have.
class Headers {
  public:
    Headers(Arena& arena, std::vector<RecordHeader>& scratch) : arena_(arena), all_(scratch) {
        all_.clear();
    }

    void add(std::string_view name, std::string_view value) { all_.push_back({name, value}); }
    void number(std::string_view name, std::int64_t value) {
        std::array<char, 24> digits{};
        const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        add(name, arena_.copy({digits.data(), static_cast<std::size_t>(end - digits.data())}));
    }
    [[nodiscard]] std::span<const RecordHeader> keep() const {
        return arena_.copies(std::span<const RecordHeader>(all_));
    }

  private:
    Arena& arena_;
    std::vector<RecordHeader>& all_;
};

std::string_view name_of(SensorKind kind) {
    switch (kind) {
        case SensorKind::message:
            return "message";
        case SensorKind::will:
            return "will";
        case SensorKind::gap:
            return "gap";
    }
    return "";
}

std::span<const RecordHeader> headers_of(const Change& change,
                                         Arena& arena,
                                         std::vector<RecordHeader>& scratch) {
    const SensorMessage& message = *change.sensor;
    Headers headers(arena, scratch);
    if (message.kind != SensorKind::gap) {
        constexpr std::array<std::string_view, 3> kQos{"0", "1", "2"};
        headers.add("mqtt.topic", message.topic);
        headers.add("mqtt.qos", kQos[message.qos]);
    }
    headers.number("mqtt.received_ms", change.intake_time_us / 1000);
    if (message.kind != SensorKind::message) {
        headers.add("mqtt.kind", name_of(message.kind));
    }
    if (!message.client.empty()) {
        headers.add("mqtt.client", message.client);
    }
    if (message.retain) {
        headers.add("mqtt.retain", "true");
    }
    if (message.maybe_duplicate) {
        headers.add("mqtt.maybe_duplicate", "true");
    }
    if (message.expiry_s) {
        headers.number("mqtt.expires_ms",
                       change.intake_time_us / 1000 + std::int64_t{*message.expiry_s} * 1000);
    }
    if (message.content_type) {
        headers.add("content-type", *message.content_type);
    }
    if (message.response_topic) {
        headers.add("mqtt.response_topic", *message.response_topic);
    }
    if (message.correlation_data) {
        headers.add("mqtt.correlation_data", *message.correlation_data);
    }
    for (const NamedText& header : message.headers) {
        headers.add(header.name, arena.copy(header.value));
    }
    return headers.keep();
}

// `{"a":"b"}`, or `[["a","b"]]` when names may repeat.
void write_named(JsonWriter& json, std::span<const NamedText> all, bool repeat) {
    json.raw(repeat ? '[' : '{');
    bool first = true;
    for (const NamedText& each : all) {
        json.raw(first ? "" : ",");
        json.raw(repeat ? "[" : "");
        json.text(each.name);
        json.raw(repeat ? ',' : ':');
        json.text(each.value);
        json.raw(repeat ? "]" : "");
        first = false;
    }
    json.raw(repeat ? ']' : '}');
}

void write_properties(JsonWriter& json, const SensorMessage& message) {
    json.raw(",\"properties\":{");
    bool first = true;
    const auto name = [&](std::string_view text) {
        json.raw(first ? "\"" : ",\"");
        json.raw(text);
        json.raw("\":");
        first = false;
    };
    if (message.payload_is_text) {
        name("payload_format");
        json.raw(*message.payload_is_text ? "1" : "0");
    }
    if (message.expiry_s) {
        name("message_expiry_s");
        json.integer(*message.expiry_s);
    }
    if (message.content_type) {
        name("content_type");
        json.text(*message.content_type);
    }
    if (message.response_topic) {
        name("response_topic");
        json.text(*message.response_topic);
    }
    if (message.correlation_data) {
        name("correlation_data");
        json.base64(*message.correlation_data);
    }
    if (!message.user_properties.empty()) {
        name("user");
        write_named(json, message.user_properties, true);
    }
    json.raw('}');
}

Result<void> check_payload(const SensorMessage& message) {
    const bool good = message.payload_form == PayloadForm::base64 ||
                      (message.payload_form == PayloadForm::text && is_utf8(message.payload)) ||
                      (message.payload_form == PayloadForm::json && is_json(message.payload));
    if (!good) {
        return Error(errors::kValueUndecodable,
                     message.payload_form == PayloadForm::json
                         ? "the payload is not JSON; `payload: text` or `base64` takes others"
                         : "the payload is not UTF-8 text; `payload: base64` takes any");
    }
    return success();
}

void write_payload(JsonWriter& json, const SensorMessage& message) {
    switch (message.payload_form) {
        case PayloadForm::json:
            json.raw(",\"encoding\":\"json\",\"payload\":");
            json.raw(message.payload);
            return;
        case PayloadForm::text:
            json.raw(",\"encoding\":\"text\",\"payload\":");
            json.text(message.payload);
            return;
        case PayloadForm::base64:
            json.raw(",\"encoding\":\"base64\",\"payload\":");
            json.base64(message.payload);
            return;
    }
}

void write_message(JsonWriter& json, const Change& change) {
    const SensorMessage& message = *change.sensor;
    json.raw("{\"kind\":\"");
    json.raw(name_of(message.kind));
    json.raw("\",\"topic\":");
    json.text(message.topic);
    json.raw(",\"captures\":");
    write_named(json, message.captures, false);
    if (!message.client.empty()) {
        json.raw(",\"client\":");
        json.text(message.client);
    }
    json.raw(",\"qos\":");
    json.integer(static_cast<unsigned>(message.qos));
    json.raw(message.retain ? ",\"retain\":true" : ",\"retain\":false");
    if (message.maybe_duplicate) {
        json.raw(",\"maybe_duplicate\":true");
    }
    json.raw(",\"received_ms\":");
    json.integer(change.intake_time_us / 1000);
    write_properties(json, message);
    write_payload(json, message);
    json.raw('}');
}

class SensorEncoder final : public Encoder {
  public:
    explicit SensorEncoder(std::string pipeline) : pipeline_(std::move(pipeline)) {}

    Result<void> encode(const Change& change, Arena& arena, std::vector<Record>& out) override {
        TRIBUTARY_ASSERT(change.sensor != nullptr);
        const SensorMessage& message = *change.sensor;
        Record record;
        // The decoder's memory is good for this entry alone, a record's for its transaction.
        record.topic = arena.copy(message.kafka_topic);
        if (message.key) {
            record.key = arena.copy(*message.key);
        }
        record.sequence = change.sequence;
        identity_.clear();
        format::append_record_header(identity_,
                                     {.source = pipeline_,
                                      .position = change.source_position,
                                      .ordinal = change.ordinal,
                                      .sub_index = 0,
                                      .sequence = change.sequence});
        if (message.kind == SensorKind::gap) {
            json_.begin(arena, message.payload.size() + 64);
            json_.raw("{\"kind\":\"gap\",\"source\":");
            json_.text(pipeline_);
            json_.raw(",\"reason\":");
            json_.text(message.payload);
            json_.raw('}');
            record.value = json_.finish();
        } else if (message.form == SensorForm::message) {
            TRIBUTARY_TRY_VOID(check_payload(message));
            json_.begin(arena, message.payload.size() * 3 / 2 + message.topic.size() * 2 + 256);
            write_message(json_, change);
            record.value = json_.finish();
        } else if (!message.payload.empty() || !message.retain) {
            record.value = message.payload;
        }
        record.identity = arena.copy(identity_);
        record.headers = headers_of(change, arena, headers_);
        out.push_back(record);
        return success();
    }

  private:
    std::string pipeline_;
    std::string identity_;
    std::vector<RecordHeader> headers_;
    JsonWriter json_;
};

}  // namespace

std::unique_ptr<Encoder> make_sensor_encoder(std::string pipeline) {
    return std::make_unique<SensorEncoder>(std::move(pipeline));
}

}  // namespace tributary::encode
