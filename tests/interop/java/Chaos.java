// The Java producer through a network that loses replies. README.md, a floor up, has the format.

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Chaos {
    // What 20 records of 100 bytes take, and not 21; and a request with one such batch, and not two.
    private static final int BATCH_BYTES = 61 + 20 * 112;
    private static final int REQUEST_BYTES = BATCH_BYTES * 3 / 2;

    record Plan(
            String bootstrap, String topic, int partitions, int count, int batch_records, int request_timeout_ms,
            int delivery_timeout_ms) {}

    public static void main(String[] arguments) throws Exception {
        Plan plan = new Gson().fromJson(Files.readString(Path.of(arguments[0])), Plan.class);
        JsonObject version = new JsonObject();
        version.addProperty("version", "kafka-clients " + kafkaClientsVersion());
        say(version);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings(plan))) {
            for (int n = 0; n < plan.count(); n++) {
                send(producer, plan, n);
            }
        }
    }

    private static void send(KafkaProducer<String, String> producer, Plan plan, int n) {
        int partition = n / plan.batch_records() % plan.partitions();
        String value = String.format("%0100d", n);
        producer.send(new ProducerRecord<>(plan.topic(), partition, null, value), (kept, error) -> {
            JsonObject report = new JsonObject();
            report.addProperty("n", n);
            if (error == null) {
                report.addProperty("offset", kept.offset());
            } else {
                report.addProperty("error", error.toString());
            }
            say(report);
        });
    }

    private static Properties settings(Plan plan) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", plan.bootstrap());
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        settings.put("enable.idempotence", true);
        settings.put("batch.size", BATCH_BYTES);
        settings.put("max.request.size", REQUEST_BYTES);
        settings.put("linger.ms", 5);
        settings.put("request.timeout.ms", plan.request_timeout_ms());
        settings.put("delivery.timeout.ms", plan.delivery_timeout_ms());
        return settings;
    }

    private static synchronized void say(JsonObject line) {
        System.out.println(line);
    }

    // The jar says so itself.
    private static String kafkaClientsVersion() throws IOException {
        Properties build = new Properties();
        try (InputStream file = KafkaProducer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            build.load(file);
        }
        return build.getProperty("version");
    }
}
