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
    /// What `requant_decode_jpeg` returns if the memory that it is given is not enough.
    requant_jpeg_too_large = 2,
    /// Scans of one progressive image, and pixels in all of them; more are a way to keep a decoder busy.
    requant_jpeg_scan_limit = 500,
    requant_jpeg_scanned_limit = 1 << 30
};

struct requant_jpeg_error {
    struct jpeg_error_mgr base;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    int status;
    char *message;
};

static inline void requant_jpeg_fail(j_common_ptr codec) {
    struct requant_jpeg_error *error = (struct requant_jpeg_error *)codec->err;
    codec->err->format_message(codec, error->message);
    // See `max_memory_to_use` below.
    if (codec->err->msg_code == JERR_NO_BACKING_STORE) error->status = requant_jpeg_too_large;
    longjmp(error->escape, 1);
}

// Most warnings are about oddities that do no harm; these two mean that pixels are missing.
static inline void requant_jpeg_warn(j_common_ptr codec, int level) {
    int code = codec->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) requant_jpeg_fail(codec);
}

static inline void requant_jpeg_watch(j_common_ptr codec) {
    struct requant_jpeg_error *error = (struct requant_jpeg_error *)codec->err;
    j_decompress_ptr decoder = (j_decompress_ptr)codec;
    size_t scans = (size_t)decoder->input_scan_number, pixels = (size_t)decoder->image_width * decoder->image_height;
    if (scans <= requant_jpeg_scan_limit && scans * pixels <= requant_jpeg_scanned_limit) return;
    strcpy(error->message, "more scans than any real image has");
    longjmp(error->escape, 1);
}

/// Decodes the JPEG in `bytes` to planes of 8-bit gray or RGB; without `pixels` only to width, height and channels.
/// Beside the pixels, libjpeg may take `memory` bytes. Returns 0, `requant_jpeg_too_large`, or 1 with the
/// reason in `message`.
static inline int requant_decode_jpeg(
    const unsigned char *bytes, size_t count, int gray, int *width, int *height, int *channels, unsigned char *pixels,
    long memory, char *message) {
    struct jpeg_decompress_struct codec;
    struct requant_jpeg_error error;
    codec.err = jpeg_std_error(&error.base);
    error.base.error_exit = requant_jpeg_fail;
    error.base.emit_message = requant_jpeg_warn;
    error.message = message;
    error.status = 1;
    if (setjmp(error.escape)) {
        jpeg_destroy_decompress(&codec);
        return error.status;
    }
    jpeg_create_decompress(&codec);
    error.progress.progress_monitor = requant_jpeg_watch;
    codec.progress = &error.progress;
    // Progressive images are kept whole until the last scan; libjpeg has no files to put them in, so it gives up.
    codec.mem->max_memory_to_use = memory;
    jpeg_mem_src(&codec, bytes, count);
    jpeg_read_header(&codec, TRUE);
    int inks = codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
    codec.out_color_space = inks ? JCS_CMYK : gray ? JCS_GRAYSCALE : JCS_RGB;
    *width = (int)codec.image_width;
    *height = (int)codec.image_height;
    *channels = gray && !inks ? 1 : 3;
    if (pixels) {
        jpeg_start_decompress(&codec);
        size_t plane = (size_t)*width * (size_t)*height;
        JSAMPARRAY row = codec.mem->alloc_sarray((j_common_ptr)&codec, JPOOL_IMAGE, codec.image_width * 4, 1);
        while (codec.output_scanline < codec.output_height) {
            unsigned char *target = pixels + (size_t)*width * codec.output_scanline;
            jpeg_read_scanlines(&codec, row, 1);
            for (int x = 0; x < *width; x++)
                for (int channel = 0; channel < *channels; channel++) {
                    const unsigned char *pixel = row[0] + x * codec.output_components;
                    // Adobe stores inks inverted; a colour is what black and its ink let through, as in OpenCV.
                    target[plane * channel + x] =
                        inks ? (unsigned char)(pixel[3] - ((255 - pixel[channel]) * pixel[3] >> 8)) : pixel[channel];
                }
        }
        jpeg_finish_decompress(&codec);
    }
    jpeg_destroy_decompress(&codec);
    return 0;
}
