#include "encode/fixed_starts.h"

#include "encode/schema_change.h"

namespace tributary::encode {

FixedStarts compile_fixed_starts(const DebeziumOptions& options,
                                 std::string_view connector_name,
                                 const SourcePlan& source) {
    FixedStarts out;
    if (!options.schemas) {
        return out;
    }
    const std::string connector = "io.debezium.connector." + std::string(connector_name);
    constexpr std::string_view kStart = R"({"schema":{"type":"struct","fields":[)";
    const auto end = [](const std::string& name) {
        return R"(],"optional":false,"name":")" + name + R"(","version":1},"payload":)";
    };
    out.message_key = std::string(kStart) +
                      R"({"type":"string","optional":true,"field":"prefix"})" +
                      end(connector + ".MessageKey");
    const std::string_view content = options.binary == BinaryMode::bytes ? "bytes" : "string";
    out.message_value =
        std::string(kStart) +
        R"({"type":"string","optional":false,"field":"op"},)"
        R"({"type":"int64","optional":true,"field":"ts_ms"},)" +
        source.source_schema + "," + std::string(transaction_schema()) +
        R"(,{"type":"struct","fields":[{"type":"string","optional":true,"field":"prefix"},)"
        R"({"type":")" +
        std::string(content) + R"(","optional":true,"field":"content"}],"optional":false,)" +
        R"("name":")" + connector + R"(.Message","version":1,"field":"message"})" +
        end(connector + ".MessageValue");
    out.schema_change_key = std::string(kStart) +
                            R"({"type":"string","optional":false,"field":"databaseName"})" +
                            end(connector + ".SchemaChangeKey");
    out.schema_change_value = std::string(kStart) + source.source_schema + "," +
                              std::string(schema_change_fields()) +
                              end(connector + ".SchemaChangeValue");
    out.transaction_key = std::string(kStart) +
                          R"({"type":"string","optional":false,"field":"id"})" +
                          end("io.debezium.connector.common.TransactionMetadataKey");
    out.transaction_value =
        std::string(kStart) +
        R"({"type":"string","optional":false,"field":"status"},)"
        R"({"type":"string","optional":false,"field":"id"},)"
        R"({"type":"int64","optional":true,"field":"event_count"},)"
        R"({"type":"array","items":{"type":"struct","fields":[)"
        R"({"type":"string","optional":false,"field":"data_collection"},)"
        R"({"type":"int64","optional":false,"field":"event_count"}],"optional":true,)"
        R"("name":"event.collection","version":1},"optional":true,"field":"data_collections"},)"
        R"({"type":"int64","optional":false,"field":"ts_ms"})" +
        end("io.debezium.connector.common.TransactionMetadataValue");
    return out;
}

}  // namespace tributary::encode
