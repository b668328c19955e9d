# The pure half: codec and session state machines, no I/O. A library of its own, so that its tests
# and fuzzers need no client library; its objects are part of the connector.
tributary_room(mqtt_session
    SOURCES
        codec/names.cc codec/text.cc codec/frame.cc codec/properties.cc codec/decode.cc
        codec/encode.cc session/step.cc session/dedupe.cc session/ack_queue.cc
        session/refusal.cc session/topic_aliases.cc
        session/subscriber_session.cc session/subscriber_packets.cc
        session/listener_session.cc session/listener_devices.cc session/listener_packets.cc
    PUBLIC tributary_ports)
list(APPEND MQTT_SOURCES $<TARGET_OBJECTS:tributary_mqtt_session>)
