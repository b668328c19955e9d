# Routes, log entries and options are pure; transports and the two sources need Asio and OpenSSL.
tributary_room(mqtt_route
    SOURCES
        routes/pattern.cc routes/template.cc routes/routes.cc position.cc entry_payload.cc
        entry_writer.cc decoder.cc options.cc
    PUBLIC tributary_mqtt_session tributary_ports tributary_config)
list(APPEND MQTT_SOURCES
    $<TARGET_OBJECTS:tributary_mqtt_route>
    net/connect.cc net/tls.cc net/transport.cc subscriber/source.cc mqtt.cc)
tributary_room(mqtt
    SOURCES ${MQTT_SOURCES}
    PUBLIC tributary_ports tributary_config
    PRIVATE OpenSSL::SSL Boost::headers Threads::Threads)
