// The Java producer: one KafkaProducer a cell, its defaults otherwise, and the Admin of the same jar. One source for every version of
// kafka-clients on the class path, run as `java -cp 'libs/*' Produce.java plan.json`.

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Produce {
    private static final Gson JSON = new Gson();

    record Plan(String bootstrap, List<Cell> cells) {}

    record Cell(
            String name,
            String acks,
            String compression,
            Boolean idempotent,
            boolean one_by_one,
            List<Planned> records,
            Administration admin,
            List<Step> script) {}

    record Step(String step, String producer, String id, Integer timeout_ms, int from, int to, long ms) {}

    record Administration(String topic, int partitions, int more_partitions, String retention_ms) {}

    record Answer(
            String cell,
            String result,
            String detail,
            Map<Integer, String> refused,
            Map<String, Object> seen,
            Map<Integer, String> failed) {}

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
            if (cell.script() != null) {
                answer = new Answer(cell.name(), "ok", "", Map.of(), Map.of(), follow(bootstrap, cell));
            } else if (cell.admin() != null) {
                answer = new Answer(cell.name(), "ok", "", Map.of(), administer(bootstrap, cell.admin()), Map.of());
            } else {
                answer = new Answer(cell.name(), "ok", "", send(bootstrap, cell), Map.of(), Map.of());
            }
        } catch (Exception error) {
            answer = new Answer(cell.name(), "error", error.toString(), Map.of(), Map.of(), Map.of());
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

    // Takes every step of the script, also after one that failed, and gives the failures by the step's place.
    private static Map<Integer, String> follow(String bootstrap, Cell cell) {
        Map<Integer, String> failed = new TreeMap<>();
        Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
        for (int place = 0; place < cell.script().size(); place++) {
            try {
                take(cell.script().get(place), producers, bootstrap, cell);
            } catch (Exception error) {
                failed.put(place, withCauses(error));
            }
        }
        for (KafkaProducer<byte[], byte[]> producer : producers.values()) {
            producer.close(Duration.ofSeconds(5));
        }
        return failed;
    }

    private static void take(
            Step step, Map<String, KafkaProducer<byte[], byte[]>> producers, String bootstrap, Cell cell)
            throws Exception {
        KafkaProducer<byte[], byte[]> producer = producers.get(step.producer());
        switch (step.step()) {
            case "open" -> {
                Properties settings = settings(bootstrap, cell);
                settings.put("transactional.id", step.id());
                if (step.timeout_ms() != null) {
                    settings.put("transaction.timeout.ms", step.timeout_ms());
                }
                producer = new KafkaProducer<>(settings);
                producers.put(step.producer(), producer);
                producer.initTransactions();
            }
            case "begin" -> producer.beginTransaction();
            case "send" -> deliver(producer, cell.records().subList(step.from(), step.to()));
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "wait" -> Thread.sleep(step.ms());
            default -> throw new IllegalArgumentException("there is no such step: " + step);
        }
    }

    // The reason is often told by the cause alone.
    private static String withCauses(Throwable error) {
        return error.getCause() == null ? error.toString() : error + " <- " + withCauses(error.getCause());
    }

    // Does what there is to administer, and gives what it saw.
    private static Map<String, Object> administer(String bootstrap, Administration wanted) throws Exception {
        Map<String, Object> seen = new TreeMap<>();
        Set<String> topic = Set.of(wanted.topic());
        NewTopic created = new NewTopic(wanted.topic(), wanted.partitions(), (short) 1)
                .configs(Map.of("retention.ms", wanted.retention_ms()));
        NewTopic copied = new NewTopic(wanted.topic() + "-copied", 1, (short) 2);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, wanted.topic());
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(Set.of(created)).all().get();
            seen.put("cluster", admin.describeCluster().clusterId().get());
            seen.put("created_again", code(admin.createTopics(Set.of(created)).all()));
            seen.put("two_replicas", code(admin.createTopics(Set.of(copied)).all()));
            seen.put("listed", admin.listTopics().names().get().contains(wanted.topic()));
            seen.put("partitions", partitions(admin, wanted.topic()));
            Config settings = admin.describeConfigs(Set.of(resource)).all().get().get(resource);
            seen.put("retention_ms", settings.get("retention.ms").value());
            seen.put("fewer_partitions", code(grow(admin, wanted.topic(), 1)));
            grow(admin, wanted.topic(), wanted.more_partitions()).get();
            seen.put("more_partitions", partitions(admin, wanted.topic()));
            admin.deleteTopics(topic).all().get();
            seen.put("deleted_again", code(admin.deleteTopics(topic).all()));
            seen.put("listed_after_deletion", admin.listTopics().names().get().contains(wanted.topic()));
        }
        return seen;
    }

    private static KafkaFuture<Void> grow(Admin admin, String topic, int partitions) {
        return admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions))).all();
    }

    // What `all` gave went by another name since 3.1, and the old one was gone in 4.0.
    @SuppressWarnings("unchecked")
    private static int partitions(Admin admin, String topic) throws Exception {
        DescribeTopicsResult described = admin.describeTopics(Set.of(topic));
        Method all;
        try {
            all = DescribeTopicsResult.class.getMethod("allTopicNames");
        } catch (NoSuchMethodException old) {
            all = DescribeTopicsResult.class.getMethod("all");
        }
        KafkaFuture<Map<String, TopicDescription>> topics =
                (KafkaFuture<Map<String, TopicDescription>>) all.invoke(described);
        return topics.get().get(topic).partitions().size();
    }

    private static int code(KafkaFuture<Void> call) throws Exception {
        try {
            call.get();
            return 0;
        } catch (ExecutionException error) {
            return Errors.forException(error.getCause()).code();
        }
    }
}
