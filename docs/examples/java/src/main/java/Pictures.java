import com.google.rpc.ErrorInfo;
import dev.heliostat.api.image.v1.ImageEvent;
import dev.heliostat.api.image.v1.ImageRequest;
import dev.heliostat.api.image.v1.Output;
import dev.heliostat.api.router.v1.GenerateRequest;
import dev.heliostat.api.router.v1.RouterServiceGrpc;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.FileOutputStream;
import java.util.concurrent.TimeUnit;

/** Makes a picture through the public gRPC face and writes it down: KEY=... mvn -q compile exec:java */
public final class Pictures {
  public static void main(String[] arguments) throws Exception {
    var address = System.getenv().getOrDefault("HELIOSTAT_GRPC", "127.0.0.1:50051");
    var channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    var caller = new Metadata();
    caller.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + System.getenv("KEY"));
    var router =
        RouterServiceGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(caller))
            .withDeadlineAfter(2, TimeUnit.MINUTES);
    var image = ImageRequest.newBuilder().setModel("flux-schnell").setPrompt("A sunset over mountains")
            .setOutput(Output.newBuilder().setMediaType("image/png"));
    try (var picture = new FileOutputStream("picture.png")) {
      var responses = router.generate(GenerateRequest.newBuilder().setImage(image).build());
      while (responses.hasNext()) {
        for (ImageEvent event : responses.next().getEventsList()) {
          if (event.hasMediaChunk()) event.getMediaChunk().getData().writeTo(picture);
          if (event.hasCompleted()) System.out.println(event.getCompleted().getProvider());
        }
      }
    } catch (StatusRuntimeException error) {
      for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) System.err.println(detail.unpack(ErrorInfo.class).getReason());
      }
      throw error;
    } finally {
      channel.shutdownNow();
    }
  }
}
