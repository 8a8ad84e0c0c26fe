"""The same network elsewhere: NIR graphs for other simulators, and back; safetensors and ONNX.

Names are imported when used: none of the optional packages is needed before.
"""

from zoo.core.lazy import public_names

__all__, __getattr__ = public_names(
    __name__,
    {
        "elsewhere": ("Elsewhere",),
        "exporting": ("export_nir", "nir_graph"),
        "importing": ("import_nir",),
        "metadata": ("describe",),
        "nir_files": ("as_nir", "from_nir"),
        "onnx_files": ("export_onnx",),
        "parts": ("to_parts",),
        "readers": ("READERS", "REFUSED"),
        "tensor_files": ("export_safetensors",),
    },
)
