#include "agent/debezium_options.h"

#include <string>
#include <vector>

namespace tributary::agent {
namespace {

encode::DecimalMode decimals(config::Decimal mode) {
    switch (mode) {
        case config::Decimal::precise:
            return encode::DecimalMode::precise;
        case config::Decimal::string:
            return encode::DecimalMode::string;
        case config::Decimal::real:
            return encode::DecimalMode::double_;
    }
    return encode::DecimalMode::precise;
}

encode::TimePrecision times(config::TimePrecision mode) {
    switch (mode) {
        case config::TimePrecision::adaptive:
            return encode::TimePrecision::adaptive;
        case config::TimePrecision::adaptive_time_microseconds:
            return encode::TimePrecision::adaptive_time_microseconds;
        case config::TimePrecision::connect:
            return encode::TimePrecision::connect;
        case config::TimePrecision::isostring:
            return encode::TimePrecision::isostring;
        case config::TimePrecision::microseconds:
            return encode::TimePrecision::microseconds;
        case config::TimePrecision::nanoseconds:
            return encode::TimePrecision::nanoseconds;
    }
    return encode::TimePrecision::adaptive;
}

encode::BinaryMode binary(config::Binary mode) {
    switch (mode) {
        case config::Binary::bytes:
            return encode::BinaryMode::bytes;
        case config::Binary::base64:
            return encode::BinaryMode::base64;
        case config::Binary::base64_url_safe:
            return encode::BinaryMode::base64_url_safe;
        case config::Binary::hex:
            return encode::BinaryMode::hex;
    }
    return encode::BinaryMode::bytes;
}

std::vector<Operation> operations(const std::vector<std::string>& letters) {
    std::vector<Operation> all;
    all.reserve(letters.size());
    for (const std::string& letter : letters) {
        all.push_back(letter == "c"   ? Operation::create
                      : letter == "u" ? Operation::update
                      : letter == "d" ? Operation::remove
                                      : Operation::truncate);
    }
    return all;
}

}  // namespace

encode::DebeziumOptions debezium_options(const config::SourceConfig& source) {
    encode::DebeziumOptions options;
    options.pipeline = source.name;
    options.topic_prefix = source.topics.prefix;
    options.schemas = source.topics.schemas;
    options.tombstones = source.topics.tombstones;
    options.transaction_metadata = source.topics.transaction_metadata;
    options.context_headers = source.topics.context_headers;
    options.decimals = decimals(source.topics.decimal);
    options.times = times(source.topics.time_precision);
    options.intervals = source.topics.interval == config::Interval::numeric
                            ? encode::IntervalMode::numeric
                            : encode::IntervalMode::string;
    options.binary = binary(source.topics.binary);
    options.unsigned_bigints = source.topics.bigint_unsigned == config::BigintUnsigned::precise
                                   ? encode::UnsignedMode::precise
                                   : encode::UnsignedMode::long_;
    options.skipped_operations = operations(source.topics.skipped_operations);
    return options;
}

}  // namespace tributary::agent
