// Nothing to add: png_image, libpng's simplified interface, returns its errors.
#include <png.h>
