#include <bzlib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

// liblzma 5.4 takes the decoded size of an LZMA1 stream that has no end marker. Without it, filters behind such a
// stream keep its last bytes to themselves.
static inline lzma_vli mscan_lzma1_of_size(lzma_options_lzma *options, uint64_t size) {
#ifdef LZMA_FILTER_LZMA1EXT
  options->ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM;
  lzma_set_ext_size(*options, size);
  return LZMA_FILTER_LZMA1EXT;
#else
  return LZMA_FILTER_LZMA1;
#endif
}

static inline lzma_stream mscan_lzma_stream(void) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return stream;
}
