# The pure half: codec and session state machines, no I/O. A library of its own, so that its tests
# and fuzzers need no client library; its objects are part of the connector.
tributary_room(mqtt_session
    SOURCES
        codec/names.cc codec/text.cc codec/frame.cc codec/properties.cc codec/decode.cc
        codec/encode.cc
    PUBLIC tributary_ports)
list(APPEND MQTT_SOURCES $<TARGET_OBJECTS:tributary_mqtt_session>)
