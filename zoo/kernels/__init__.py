"""Steps of environments, and of the populations that act in them, compiled from their own equations.

`jax.jit` runs physics made of small vectors as hundreds of loops over memory. Here a step is traced to its jaxpr, as
JAX's own transformations do, and every element of every array becomes a scalar of its own: gathers, slices and
concatenations vanish, what is constant is computed now, and what is left is one straight line of arithmetic, a few
thousand to some ten thousand operations long. LLVM compiles it for as many environments as a vector register holds.

    scalars        arithmetic on single numbers, hash-consed and simplified
    functions      exp, log, atan2, … from that arithmetic
    primitives     what each of JAX's primitives means for it
    programs       a traced step: loops, dead code, state that never changes
    llvm           a program as LLVM IR
    networks       the population's step as LLVM IR
    episodes       whole episodes as one call from XLA
    stepping       single steps of many environments
    sequences      the hidden layer over many steps, and the gradient through them
    sequence_blocks  a block of its neurons
    ffi            how XLA calls them
    ir             text of LLVM IR
    machine        the processor at hand, and machine code for it
    cache          compiled steps on disk
    handlers       handlers as XLA knows them
    play           a task's kernel: compiled, checked, called
    unroll         a network's readouts over many steps, differentiable

On a GPU the same programs run, one environment a thread:

    blocks         whole episodes of many runs as the program of a block of threads
    hidden         its hidden neurons
    grid           its threads, what they share, and how environments are spread over them
    ptx            text for NVIDIA's GPUs, out of LLVM IR; no toolkit and no GPU is needed for it
    cuda           the driver of the GPU at hand; how XLA launches a program
    gpu            a task's kernel: compiled, checked, called
"""
