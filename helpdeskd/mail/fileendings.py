"""Endings of file names: what starts a program where it is opened, what carries macros, what is a page, what looks like a document."""

from __future__ import annotations

from helpdeskd.model.files import Danger

# What Windows, macOS, Linux desktops and Java start, install, mount or run when it is opened.
_EXECUTABLE = """
accde ade adp apk app appimage appinstaller application appref-ms appx appxbundle applescript bas bash bat cmd chm com command cpl crx csh
deb desktop diagcab dll dmg efi ex_ exe fileloc flatpakref fxp gadget hlp hpj hta htc img inetloc inf ins ipa iso isp jar jnlp job js jse
jsp ksh library-ms lnk mad maf mag mam maq mas mau mav maw mda mde mdt mdw mdz mjs mpkg msc msh msh1 msh2 mshxml msi msix msixbundle msp
mst msu nsh ocx one onepkg osd pcd pif pkg pl plg ppkg prg printerexport ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psm1 py pyc pyo pyw pyz
pyzw rb rdp reg rpm run scf scpt scptd scr sct search-ms searchconnector-ms settingcontent-ms sh shb shs snap sys terminal theme
themepack udf udl url vb vbe vbs vcd vhd vhdx vmdk vsix vsmacros vsto vsw vxd webloc webpnp website wll workflow ws wsb wsc wsf wsh xap
xbap xll xnk xpi zsh
"""
_MACROS = """
accda accdb accdr accdt docm dotm iqy mdb potm ppa ppam ppsm pptm sldm slk vsdm vssm vstm xla xlam xlm xlsm xltm
"""
_PAGES = "htm html mht mhtml shtm shtml svg svgz swf xht xhtml xsl xslt"
_WORDS = "app com job one pl py sh theme website ws"  # of hosts and of people too
_LINKS = "url webloc website"
_PACKED = "bz2 gz lz4 lzma xz z zst"
# What people take for a document or a picture, where it stands before the ending that counts.
_DOCUMENTS = """
7z avi bmp csv doc docx eml gif gz heic htm html jpeg jpg mov mp3 mp4 msg odp ods odt pdf png ppt pptx rar rtf svg tif tiff txt wav webp
xls xlsx xml zip
"""

EXECUTABLE = frozenset(_EXECUTABLE.split())
MACROS = frozenset(_MACROS.split())
PAGES = frozenset(_PAGES.split())
WORDS = frozenset(_WORDS.split())
LINKS = frozenset(_LINKS.split())  # they lead to a page, where they lead to nothing else
PACKED = frozenset(_PACKED.split())  # one file, whose name stands before it
DOCUMENTS = frozenset(_DOCUMENTS.split())
IN_ARCHIVES = {**dict.fromkeys(EXECUTABLE, Danger.EXECUTABLE), **dict.fromkeys(MACROS, Danger.MACROS)}
