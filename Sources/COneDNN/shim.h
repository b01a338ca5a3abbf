#include <dnnl.h>
#include <dnnl_debug.h>

// oneDNN takes its threads from OpenMP and has no call of its own to set their number. Declared here, since Swift's
// clang brings no <omp.h>; Debian's libdnnl is linked against libgomp.
extern void omp_set_num_threads(int threads);
extern int omp_get_num_procs(void);
