// Why there is a shim: libjpeg reports errors by a callback that may not return. Its default ends the process, and a
// longjmp through Swift frames is undefined. Here setjmp, longjmp and libjpeg's frames stay within one C function.
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

enum {
    /// Room that `requant_decode_jpeg` needs for a message.
    requant_jpeg_message_size = JMSG_LENGTH_MAX,
    /// Scans of one progressive image; more are a way to keep a decoder busy.
    requant_jpeg_scan_limit = 500
};

struct requant_jpeg_error {
    struct jpeg_error_mgr base;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char *message;
};

static inline void requant_jpeg_fail(j_common_ptr codec) {
    struct requant_jpeg_error *error = (struct requant_jpeg_error *)codec->err;
    codec->err->format_message(codec, error->message);
    longjmp(error->escape, 1);
}

// Most warnings are about oddities that do no harm; these two mean that pixels are missing.
static inline void requant_jpeg_warn(j_common_ptr codec, int level) {
    int code = codec->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) requant_jpeg_fail(codec);
}

static inline void requant_jpeg_watch(j_common_ptr codec) {
    struct requant_jpeg_error *error = (struct requant_jpeg_error *)codec->err;
    if (((j_decompress_ptr)codec)->input_scan_number <= requant_jpeg_scan_limit) return;
    strcpy(error->message, "more scans than any real image has");
    longjmp(error->escape, 1);
}

/// Decodes the JPEG in `bytes` to rows of 8-bit gray or RGB; without `pixels` only to width, height and channels.
/// Returns 0, or 1 with the reason in `message`.
static inline int requant_decode_jpeg(
    const unsigned char *bytes, size_t count, int gray, int *width, int *height, int *channels, unsigned char *pixels,
    char *message) {
    struct jpeg_decompress_struct codec;
    struct requant_jpeg_error error;
    codec.err = jpeg_std_error(&error.base);
    error.base.error_exit = requant_jpeg_fail;
    error.base.emit_message = requant_jpeg_warn;
    error.message = message;
    if (setjmp(error.escape)) {
        jpeg_destroy_decompress(&codec);
        return 1;
    }
    jpeg_create_decompress(&codec);
    error.progress.progress_monitor = requant_jpeg_watch;
    codec.progress = &error.progress;
    jpeg_mem_src(&codec, bytes, count);
    jpeg_read_header(&codec, TRUE);
    int inks = codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
    codec.out_color_space = inks ? JCS_CMYK : gray ? JCS_GRAYSCALE : JCS_RGB;
    *width = (int)codec.image_width;
    *height = (int)codec.image_height;
    *channels = gray && !inks ? 1 : 3;
    if (pixels) {
        jpeg_start_decompress(&codec);
        size_t stride = (size_t)*width * (size_t)*channels;
        JSAMPARRAY row = codec.mem->alloc_sarray((j_common_ptr)&codec, JPOOL_IMAGE, codec.image_width * 4, 1);
        while (codec.output_scanline < codec.output_height) {
            unsigned char *target = pixels + stride * codec.output_scanline;
            jpeg_read_scanlines(&codec, row, 1);
            if (!inks) {
                memcpy(target, row[0], stride);
                continue;
            }
            // Adobe stores inks inverted; a colour is what black and its ink let through, as OpenCV computes it.
            for (int x = 0; x < *width; x++)
                for (int ink = 0; ink < 3; ink++) {
                    int black = row[0][4 * x + 3];
                    target[3 * x + ink] = (unsigned char)(black - ((255 - row[0][4 * x + ink]) * black >> 8));
                }
        }
        jpeg_finish_decompress(&codec);
    }
    jpeg_destroy_decompress(&codec);
    return 0;
}
