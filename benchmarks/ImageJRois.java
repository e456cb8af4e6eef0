import ij.gui.Roi;
import ij.io.RoiDecoder;
import ij.process.ByteProcessor;
import ij.process.FloatPolygon;
import java.io.FileInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Prints what ImageJ makes of a zip of ROIs: name, type, slice, first point, and filled pixels. */
public class ImageJRois {
    public static void main(String[] words) throws Exception {
        int width = Integer.parseInt(words[1]), height = Integer.parseInt(words[2]);
        try (ZipInputStream zip = new ZipInputStream(new FileInputStream(words[0]))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Roi roi = new RoiDecoder(zip.readAllBytes(), entry.getName()).getRoi();
                FloatPolygon points = roi.getFloatPolygon();
                int count = 0;
                long sumY = 0, sumX = 0;
                if (roi.isArea()) {
                    ByteProcessor filled = new ByteProcessor(width, height);
                    filled.setColor(255);
                    filled.fill(roi);
                    for (int place = 0; place < width * height; place++) {
                        if (filled.get(place) > 0) {
                            count++;
                            sumY += place / width;
                            sumX += place % width;
                        }
                    }
                }
                System.out.println(String.join("\t", roi.getName(), roi.getTypeAsString(),
                    "" + roi.getPosition(), "" + points.ypoints[0], "" + points.xpoints[0],
                    "" + count, "" + sumY, "" + sumX));
            }
        }
    }
}
