// The Java producer: one KafkaProducer a cell, its defaults otherwise. One source for every version of
// kafka-clients on the class path, run as `java -cp 'libs/*' Produce.java plan.json`.

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Produce {
    private static final Gson JSON = new Gson();

    record Plan(String bootstrap, List<Cell> cells) {}

    record Cell(
            String name, String acks, String compression, Boolean idempotent, boolean one_by_one, List<Planned> records) {}

    record Answer(String cell, String result, String detail, Map<Integer, String> refused) {}

    record Planned(String topic, Integer partition, String key, String value, List<List<String>> headers, Long timestamp_ms) {}

    public static void main(String[] arguments) throws Exception {
        JsonObject version = new JsonObject();
        version.addProperty("version", "kafka-clients " + kafkaClientsVersion());
        System.out.println(version);
        Plan plan = JSON.fromJson(Files.readString(Path.of(arguments[0])), Plan.class);
        for (Cell cell : plan.cells()) {
            answer(plan.bootstrap(), cell);
        }
    }

    // The jar says so itself; the class that reads it has moved between versions.
    private static String kafkaClientsVersion() throws IOException {
        Properties build = new Properties();
        try (InputStream file = KafkaProducer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            build.load(file);
        }
        return build.getProperty("version");
    }

    private static void answer(String bootstrap, Cell cell) {
        Answer answer;
        try {
            answer = new Answer(cell.name(), "ok", "", send(bootstrap, cell));
        } catch (Exception error) {
            answer = new Answer(cell.name(), "error", error.toString(), Map.of());
        }
        System.out.println(JSON.toJson(answer));
    }

    // Gives what became of the records that were refused, by their place in the plan.
    private static Map<Integer, String> send(String bootstrap, Cell cell) throws Exception {
        Map<Integer, String> refused = new TreeMap<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings(bootstrap, cell))) {
            if (!cell.one_by_one()) {
                deliver(producer, cell.records());
                return refused;
            }
            for (int place = 0; place < cell.records().size(); place++) {
                try {
                    deliver(producer, List.of(cell.records().get(place)));
                } catch (Exception error) {
                    refused.put(place, error.toString());
                }
            }
        }
        return refused;
    }

    private static void deliver(KafkaProducer<byte[], byte[]> producer, List<Planned> records) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (Planned record : records) {
            sent.add(producer.send(toProducerRecord(record)));
        }
        for (Future<RecordMetadata> one : sent) {
            one.get();
        }
    }

    private static Properties settings(String bootstrap, Cell cell) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        if (cell.acks() != null) {
            settings.put("acks", cell.acks());
        }
        if (cell.compression() != null) {
            settings.put("compression.type", cell.compression());
        }
        if (cell.idempotent() != null) {
            settings.put("enable.idempotence", cell.idempotent().toString());
        }
        return settings;
    }

    private static ProducerRecord<byte[], byte[]> toProducerRecord(Planned record) {
        List<Header> headers = new ArrayList<>();
        for (List<String> header : record.headers()) {
            headers.add(new RecordHeader(header.get(0), bytes(header.get(1))));
        }
        return new ProducerRecord<>(
                record.topic(), record.partition(), record.timestamp_ms(), bytes(record.key()), bytes(record.value()), headers);
    }

    private static byte[] bytes(String base64) {
        return base64 == null ? null : Base64.getDecoder().decode(base64);
    }
}
