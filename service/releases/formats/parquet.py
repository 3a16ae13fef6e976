"""Apache Parquet: the columns of the CSV with types, for data frames and warehouses."""

from typing import Any

from service.releases import artifact as artifacts
from service.releases.formats.published import Published

# Nothing here depends on the hour or the machine; another version of the library may write other
# bytes for the same values, so constraints.txt names the version.
SETTINGS: dict[str, Any] = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 9,
    "use_dictionary": True,
    "write_statistics": True,
    "row_group_size": 1 << 20,
}


def derive(release: Published) -> bytes:
    """One row group; text columns are dictionaries, counts int64, shares float64.

    The file's metadata names the release and the hashes of the bytes it was made from.
    """
    # Loading it takes a third of a second and 60 MB, which only who asks for this form pays.
    import pyarrow as pa
    from pyarrow import parquet

    text = pa.dictionary(pa.int32(), pa.string())
    types = {name: pa.int64() for name in artifacts.WHOLE}
    types |= {name: pa.float64() for name in artifacts.SHARES}
    columns = release.manifest["table"]["columns"]
    metadata = {
        "kangma.release_id": release.manifest["release_id"],
        "kangma.csv_sha256": release.csv_sha256,
        "kangma.manifest_sha256": release.manifest_sha256,
        "kangma.edition": release.manifest["edition"]["en"],
        "kangma.voluntary": release.manifest["voluntary"]["en"],
    }
    schema = pa.schema([(name, types.get(name, text)) for name in columns], metadata=metadata)
    values = {name: [row[name] for row in release.rows] for name in columns}
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(values, schema=schema), sink, **SETTINGS)
    content: bytes = sink.getvalue().to_pybytes()
    return content
