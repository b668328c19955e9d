# Routes, log entries and options are pure; transports and the two sources need Asio and OpenSSL.
tributary_room(mqtt_route
    SOURCES
        routes/pattern.cc routes/template.cc routes/routes.cc position.cc entry_payload.cc
        entry_writer.cc decoder.cc options.cc
    PUBLIC tributary_mqtt_session tributary_ports tributary_config)
list(APPEND MQTT_SOURCES
    $<TARGET_OBJECTS:tributary_mqtt_route>
    listener/accounts.cc listener/source.cc net/connect.cc net/tls.cc net/transport.cc status/status.cc subscriber/source.cc check.cc mqtt.cc)
tributary_room(mqtt
    SOURCES ${MQTT_SOURCES}
    PUBLIC tributary_ports tributary_config
    PRIVATE OpenSSL::SSL PahoMqttCpp::paho-mqttpp3 Boost::headers Threads::Threads)

# A peer for the quickstart, demonstrations and tests; shares no code with the agent.
add_executable(tributary-sim simulator/simulator_main.cc)
target_link_libraries(tributary-sim PRIVATE
    tributary_options PahoMqttCpp::paho-mqttpp3 Boost::headers Threads::Threads)
