#include "connectors/mqtt/entry_payload.h"

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kMessage = 1;
constexpr std::uint8_t kWill = 2;

enum Field : std::uint64_t {
    kFormat = 1,
    kExpiry = 2,
    kContentType = 4,
    kResponseTopic = 8,
    kCorrelation = 16,
    kUsers = 32,
    kAllFields = 63,
};

Error corrupt(std::string_view what) {
    return {errors::kEntryCorrupt, "MQTT entry: " + std::string(what)};
}

std::uint64_t fields_of(const Properties& properties) {
    std::uint64_t fields = 0;
    const auto note = [&](PropertyId id, std::uint64_t field) {
        fields |= properties.has(id) ? field : 0;
    };
    note(PropertyId::payload_format_indicator, kFormat);
    note(PropertyId::message_expiry_interval, kExpiry);
    note(PropertyId::content_type, kContentType);
    note(PropertyId::response_topic, kResponseTopic);
    note(PropertyId::correlation_data, kCorrelation);
    note(PropertyId::user_property, kUsers);
    return fields;
}

void append_users(std::string& out, const Properties& properties) {
    UserProperty property;
    std::uint64_t count = 0;
    for (UserPropertyReader counter(properties); counter.next(property);) {
        ++count;
    }
    append_varint(out, count);
    for (UserPropertyReader reader(properties); reader.next(property);) {
        append_sized(out, property.key);
        append_sized(out, property.value);
    }
}

}  // namespace

void append_context(std::string& out, const Place& first) {
    out.push_back(static_cast<char>(kVersion));
    append_fixed(out, first.run, Endian::big);
    append_fixed(out, first.number, Endian::big);
}

Result<Place> parse_context(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto version = reader.fixed<std::uint8_t>();
    Place place;
    place.run = reader.fixed<std::uint64_t>(Endian::big);
    place.number = reader.fixed<std::uint64_t>(Endian::big);
    if (!reader.ok() || !reader.at_end() || version != kVersion) {
        return corrupt("its context is not one of this version");
    }
    return place;
}

void append_message(std::string& out, const StoredMessage& stored, const Publish& publish) {
    out.push_back(static_cast<char>(stored.kind == SensorKind::will ? kWill : kMessage));
    const auto flags = static_cast<unsigned>(publish.qos) | (publish.retain ? 4U : 0U) |
                       (stored.maybe_duplicate ? 8U : 0U);
    out.push_back(static_cast<char>(static_cast<unsigned char>(flags)));
    append_sized(out, publish.topic);
    append_sized(out, stored.client);
    const Properties& properties = publish.properties;
    const std::uint64_t fields = fields_of(properties);
    append_varint(out, fields);
    if ((fields & kFormat) != 0) {
        out.push_back(static_cast<char>(properties.payload_format_indicator));
    }
    if ((fields & kExpiry) != 0) {
        append_varint(out, properties.message_expiry_interval_s);
    }
    if ((fields & kContentType) != 0) {
        append_sized(out, properties.content_type);
    }
    if ((fields & kResponseTopic) != 0) {
        append_sized(out, properties.response_topic);
    }
    if ((fields & kCorrelation) != 0) {
        append_sized(out, properties.correlation_data);
    }
    if ((fields & kUsers) != 0) {
        append_users(out, properties);
    }
    out.append(publish.payload);
}

Result<void> parse_message(std::string_view payload,
                           SensorMessage& message,
                           std::vector<NamedText>& users) {
    ByteReader reader(payload);
    const auto kind = reader.fixed<std::uint8_t>();
    const auto flags = reader.fixed<std::uint8_t>();
    if (!reader.ok() || (kind != kMessage && kind != kWill) || flags > 15 || (flags & 3U) == 3) {
        return corrupt("its head is not one of this version");
    }
    message.kind = kind == kWill ? SensorKind::will : SensorKind::message;
    message.qos = flags & 3U;
    message.retain = (flags & 4U) != 0;
    message.maybe_duplicate = (flags & 8U) != 0;
    message.topic = reader.sized();
    message.client = reader.sized();
    const std::uint64_t fields = reader.varint();
    if ((fields & ~std::uint64_t{kAllFields}) != 0) {
        return corrupt("it has properties that this version does not know");
    }
    if ((fields & kFormat) != 0) {
        message.payload_is_text = reader.fixed<std::uint8_t>() == 1;
    }
    if ((fields & kExpiry) != 0) {
        message.expiry_s = static_cast<std::uint32_t>(reader.varint());
    }
    if ((fields & kContentType) != 0) {
        message.content_type = reader.sized();
    }
    if ((fields & kResponseTopic) != 0) {
        message.response_topic = reader.sized();
    }
    if ((fields & kCorrelation) != 0) {
        message.correlation_data = reader.sized();
    }
    users.clear();
    if ((fields & kUsers) != 0) {
        for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
            const std::string_view name = reader.sized();
            users.push_back({name, reader.sized()});
        }
    }
    if (!reader.ok()) {
        return corrupt("it ends too early");
    }
    message.payload = reader.bytes(reader.remaining());
    message.user_properties = users;
    return success();
}

}  // namespace tributary::mqtt
