import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** An HTTP server on the JVM: a heap of objects, threads, a timer; says how often it was asked. */
public final class Counter {
  private static final int ENTRIES = 50_000;

  public static void main(String[] args) throws Exception {
    Map<String, String> entries = new HashMap<>();
    for (int number = 0; number < ENTRIES; number++) entries.put("key " + number, UUID.randomUUID().toString());
    String token = UUID.randomUUID().toString();
    AtomicLong asked = new AtomicLong();
    AtomicLong ticks = new AtomicLong();
    Executors.newScheduledThreadPool(2).scheduleAtFixedRate(ticks::incrementAndGet, 0, 20, TimeUnit.MILLISECONDS);

    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 8000), 16);
    server.setExecutor(Executors.newFixedThreadPool(4));
    answer(server, "/state", () -> "{\"token\":\"" + token + "\",\"entries\":" + entries.size()
        + ",\"digest\":" + entries.hashCode() + ",\"pid\":" + ProcessHandle.current().pid() + "}");
    answer(server, "/ask", () -> "{\"asked\":" + asked.incrementAndGet() + ",\"ticks\":" + ticks.get() + "}");
    answer(server, "/ticks", () -> "{\"asked\":" + asked.get() + ",\"ticks\":" + ticks.get() + "}");
    answer(server, "/collect", () -> {
      System.gc();
      return "true";
    });
    server.start();
    System.out.println("ready");
  }

  private static void answer(HttpServer server, String path, Supplier<String> text) {
    server.createContext(path, exchange -> {
      byte[] body = text.get().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Connection", "close");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
  }
}
