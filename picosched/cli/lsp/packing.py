"""Packs the extension for VS Code: a .vsix file is a ZIP file with a manifest and the folder `extension`.

The extension is the files of `vscode/`: a grammar, snippets, and a client of the language server that needs
no packages.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from picosched.errors import PicoschedError, words

FOLDER = Path(__file__).with_name("vscode")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of each file in it, so that the same version gives the same bytes."""

TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="json" ContentType="application/json"/>
<Default Extension="js" ContentType="application/javascript"/>
<Default Extension="vsixmanifest" ContentType="text/xml"/>
</Types>
"""
MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata>
<Identity Language="en-US" Id="{name}" Version="{version}" Publisher="{publisher}"/>
<DisplayName>{displayName}</DisplayName>
<Description xml:space="preserve">{description}</Description>
<Categories>Programming Languages</Categories>
<Properties><Property Id="Microsoft.VisualStudio.Code.Engine" Value="{engine}"/></Properties>
</Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Dependencies/>
<Assets>
<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
</Assets>
</PackageManifest>
"""


def extension() -> bytes:
    """The .vsix file, in this version of picosched."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    package["version"] = version("picosched")
    told = {
        name: escape(package[name]) for name in ("name", "version", "publisher", "displayName", "description")
    }
    files = {
        "[Content_Types].xml": TYPES,
        "extension.vsixmanifest": MANIFEST.format(**told, engine=escape(package["engines"]["vscode"])),
        "extension/package.json": json.dumps(package, indent=2),
    }
    for path in sorted(FOLDER.iterdir()):
        files.setdefault(f"extension/{path.name}", path.read_text(encoding="utf-8"))
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(ZipInfo(name, EPOCH), text, ZIP_DEFLATED)
    return packed.getvalue()


def write_extension(file: Path) -> None:
    """Write it to a file, which is replaced."""
    try:
        file.write_bytes(extension())
    except OSError as cause:
        raise PicoschedError(f"cannot write {file}: {words(cause)}") from cause
