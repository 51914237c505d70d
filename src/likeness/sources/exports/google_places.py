"""What Google Takeout calls the folders of Google Photos, by language."""

from __future__ import annotations

ROOTS = frozenset(
    name.casefold()
    for name in (
        *("Google Photos", "Google Fotos", "Google Foto", "Google Foto's", "Fotky Google"),
        *(
            "Google Fotky",
            "Zdjęcia Google",
            "Google Zdjęcia",
            "Google Фото",
        ),
        *(
            "Google Foton",
            "Google Kuvat",
            "Google Fotók",
            "Google Fotoğraflar",
            "Google Fotografije",
        ),
        *("Google Φωτογραφίες", "Google フォト", "Google 포토", "Google 相册", "Google 相簿"),
        *("Google Ảnh", "Google תמונות", "صور Google", "Google फ़ोटो", "Google รูปภาพ"),
    )
)
"""Below ``Takeout/``; case-folded. Others are found by the sidecars in them."""

_TRASH = frozenset(
    name.casefold()
    for name in (
        *("Trash", "Bin", "Papierkorb", "Corbeille", "Papelera", "Cestino", "Lixeira", "Lixo"),
        *("Prullenbak", "Kosz", "Koš", "Kôš", "Papperskorgen", "Papirkurv", "Papirkurven"),
        *("Roskakori", "Lomtár", "Kuka", "Coș de gunoi", "Çöp kutusu", "Paperera", "Smeće"),
        *(
            "Корзина",
            "Кошик",
            "Κάδος",
            "ゴミ箱",
            "휴지통",
            "回收站",
            "垃圾桶",
            "Thùng rác",
            "Sampah",
        ),
        *("אשפה", "المهملات", "سلة المهملات", "ट्रैश", "ถังขยะ"),
    )
)
_ARCHIVE = frozenset(
    name.casefold()
    for name in (
        *("Archive", "Archiv", "Archives", "Archivo", "Archivio", "Arquivo", "Archief", "Archív"),
        *("Archiwum", "Arkiv", "Arkivet", "Arkisto", "Archívum", "Arhivă", "Arşiv", "Arxiu"),
        *("Архив", "Архів", "Αρχείο", "アーカイブ", "보관함", "归档", "封存", "Lưu trữ", "Arsip"),
    )
)
_LOCKED = frozenset(
    name.casefold()
    for name in (
        *("Locked Folder", "Gesperrter Ordner", "Dossier verrouillé", "Carpeta privada"),
        *("Carpeta con contraseña", "Cartella bloccata", "Pasta trancada", "Pasta bloqueada"),
        *("Vergrendelde map", "Folder zabezpieczony", "Låst mapp", "Låst mappe", "Lukittu kansio"),
        *(
            "Закрытая папка",
            "ロックされたフォルダ",
            "잠긴 폴더",
            "已锁定的文件夹",
            "已上鎖的資料夾",
        ),
    )
)
_REASONS = (
    (_TRASH, "in the trash of Google Photos"),
    (_LOCKED, "in the locked folder of Google Photos"),
    (_ARCHIVE, "archived in Google Photos"),
)


def kept_apart(path: str) -> str:
    """Say why what lies in a folder of that name is not taken, in a few words; else empty.

    Beside what a sidecar says: an older one may lack the mark.
    """
    name = path.rpartition("/")[2].casefold()
    return next((reason for names, reason in _REASONS if name in names), "")
