// The Java producer against a server that is killed again and again. README.md, a floor up, has the format.

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TransactionAbortedException;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Crash {
    // How many records of a producer may be unanswered at once.
    private static final int UNANSWERED_MAX = 200;

    record Plan(
            String bootstrap, String name, List<String> topics, int partitions, long seed, int plain, int transactional,
            int records_max, int abort_percent) {}

    private static volatile boolean isOver = false;

    public static void main(String[] arguments) throws Exception {
        Plan plan = new Gson().fromJson(Files.readString(Path.of(arguments[0])), Plan.class);
        JsonObject version = new JsonObject();
        version.addProperty("version", "kafka-clients " + kafkaClientsVersion());
        say(version);
        List<Thread> threads = new ArrayList<>();
        for (int n = 0; n < plan.plain(); n++) {
            threads.add(new Thread(new Plain(plan, n)));
        }
        for (int n = 0; n < plan.transactional(); n++) {
            threads.add(new Thread(new Transactional(plan, n)));
        }
        threads.forEach(Thread::start);
        System.in.readAllBytes(); // It ends when the harness has seen enough.
        isOver = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** One producer, which numbers its records from 0. */
    private abstract static class Sender implements Runnable {
        final Plan plan;
        final String name;
        final Random dice;
        final KafkaProducer<String, String> producer;
        int sent = 0;

        Sender(Plan plan, String kind, int n, boolean isTransactional) {
            this.plan = plan;
            name = plan.name() + "_" + kind + n;
            dice = new Random(plan.seed() * 31 + name.hashCode());
            Properties settings = new Properties();
            settings.put("bootstrap.servers", plan.bootstrap());
            settings.put("key.serializer", StringSerializer.class.getName());
            settings.put("value.serializer", StringSerializer.class.getName());
            settings.put("linger.ms", 2);
            // Connections are lost several times a second: the pauses before the next one are not to grow. Every
            // time-out keeps its default.
            settings.put("reconnect.backoff.ms", 10);
            settings.put("reconnect.backoff.max.ms", 50);
            settings.put("retry.backoff.ms", 20);
            settings.put("retry.backoff.max.ms", 100);
            if (isTransactional) {
                settings.put("transactional.id", name);
            }
            producer = new KafkaProducer<>(settings);
        }

        @Override
        public void run() {
            try (producer) {
                begin();
                while (!isOver) {
                    work();
                }
            } catch (Exception error) { // Whatever reaches the application is what the harness asks about.
                fail(error.toString());
            }
        }

        void begin() {}

        abstract void work() throws InterruptedException;

        void send(int count, List<String> topics, String transaction, Callback report) throws InterruptedException {
            for (int i = 0; i < count; i++) {
                String topic = topics.get(dice.nextInt(topics.size()));
                String value = name + " " + transaction + " " + sent + " ";
                value += ".".repeat(Math.max(0, 100 - value.length()));
                producer.send(new ProducerRecord<>(topic, dice.nextInt(plan.partitions()), null, value), report);
                sent++;
            }
        }

        void pause(int msMax) throws InterruptedException {
            Thread.sleep(dice.nextInt(msMax));
        }

        JsonObject line() {
            JsonObject line = new JsonObject();
            line.addProperty("p", name);
            line.addProperty("at", ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()));
            return line;
        }

        void fail(String what) {
            JsonObject line = line();
            line.addProperty("failed", what);
            say(line);
        }
    }

    /** An idempotent producer, without transactions. */
    private static final class Plain extends Sender {
        private final Semaphore unanswered = new Semaphore(UNANSWERED_MAX);

        Plain(Plan plan, int n) {
            super(plan, "plain", n, false);
        }

        @Override
        void work() throws InterruptedException {
            int count = 1 + dice.nextInt(20);
            unanswered.acquire(count);
            JsonObject line = line();
            line.add("sent", new Gson().toJsonTree(new int[] {sent, sent + count - 1}));
            say(line);
            for (int i = 0; i < count; i++) {
                int n = sent;
                send(1, plan.topics(), "-", (kept, error) -> {
                    unanswered.release();
                    if (error != null) {
                        fail("record " + n + ": " + error);
                        return;
                    }
                    JsonObject acked = line();
                    acked.addProperty("acked", n);
                    acked.addProperty("topic", kept.topic());
                    acked.addProperty("partition", kept.partition());
                    acked.addProperty("offset", kept.offset());
                    say(acked);
                });
            }
            pause(20);
        }
    }

    /** A transactional producer. */
    private static final class Transactional extends Sender {
        private int transactions = 0;

        Transactional(Plan plan, int n) {
            super(plan, "txn", n, true);
        }

        @Override
        void begin() {
            producer.initTransactions();
        }

        @Override
        void work() throws InterruptedException {
            int transaction = transactions++;
            int count = (int) Math.pow(plan.records_max(), dice.nextDouble());
            List<String> topics = new ArrayList<>(plan.topics());
            Collections.shuffle(topics, dice);
            topics = topics.subList(0, 1 + dice.nextInt(topics.size()));
            boolean commit = dice.nextInt(100) >= plan.abort_percent();
            producer.beginTransaction();
            JsonObject line = line();
            line.addProperty("began", transaction);
            say(line);
            int part = (count + 3) / 4; // The records of a transaction leave in up to four parts.
            for (int start = 0; start < count; start += part) {
                send(Math.min(part, count - start), topics, Integer.toString(transaction), this::report);
                pause(10);
            }
            line = line();
            line.addProperty("ending", transaction);
            line.addProperty("count", count);
            line.addProperty("commit", commit);
            say(line);
            if (commit) {
                producer.commitTransaction();
            } else {
                producer.abortTransaction();
            }
            line = line();
            line.addProperty("ended", transaction);
            say(line);
        }

        // What an abort drops before it was sent is reported so, and is no surprise.
        private void report(Object kept, Exception error) {
            if (error != null && !(error instanceof TransactionAbortedException)) {
                fail(error.toString());
            }
        }
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
